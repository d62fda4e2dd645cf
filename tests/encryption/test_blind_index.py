from __future__ import annotations

import pickle

import pytest

from tests.encryption.conftest import MASTER, OTHER
from zenith.encryption import BlindIndex, Context
from zenith.encryption.normalization import NORMALIZATIONS
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

SSN = Context("text", "people", "ssn")


def test_the_same_value_has_the_same_tag_in_its_place_only():
    index = BlindIndex(MASTER)
    assert index.tag("078051120", SSN) == BlindIndex(Secret(MASTER)).tag("078051120", SSN)
    others = {
        index.tag("078051121", SSN),
        index.tag("078051120", Context("text", "people", "tin")),
        index.tag("078051120", Context("text", "staff", "ssn")),
        BlindIndex(OTHER).tag("078051120", SSN),
        BlindIndex(MASTER, normalize="digits").tag("078051120", SSN),
    }
    assert len(others) == 5
    assert index.tag("078051120", SSN) not in others


@pytest.mark.parametrize(("bits", "length"), [(128, 22), (192, 32), (256, 43)])
def test_tags_have_their_length(bits, length):
    index = BlindIndex(MASTER, bits=bits)
    assert index.length == length == len(index.tag("x", SSN))


def test_values_are_looked_for_under_all_keys_and_tagged_under_the_first():
    new = BlindIndex(MASTER, also=[OTHER])
    assert new.tags("x", SSN) == [new.tag("x", SSN), BlindIndex(OTHER).tag("x", SSN)]


@pytest.mark.parametrize(
    ("name", "one", "other", "apart"),
    [
        ("exact", "Ada", "Ada", "ada"),
        ("unicode", "é", "e\u0301", "e"),
        ("caseless", " STRASSE ", "straße", "strase"),
        ("caseless", "É@x.org", "e\u0301@X.ORG", "e@x.org"),
        ("digits", "078-05-1120", "\u066078 051120", "078051121"),
        ("alphanumeric", "de89 3704", "DE893704", "DE893705"),
    ],
)
def test_spellings_are_one(name, one, other, apart):
    index = BlindIndex(MASTER, normalize=name)
    assert index.tag(one, SSN) == index.tag(other, SSN) != index.tag(apart, SSN)


def test_unknown_names_sizes_and_weak_keys_are_refused():
    with pytest.raises(ConfigurationError, match=", ".join(NORMALIZATIONS)):
        BlindIndex(MASTER, normalize="email")
    with pytest.raises(ConfigurationError, match="128"):
        BlindIndex(MASTER, bits=32)
    with pytest.raises(ConfigurationError, match="256 bits"):
        BlindIndex("weak")


def test_long_values_are_refused():
    with pytest.raises(ValueError, match="4096"):
        BlindIndex(MASTER).tag("x" * 4097, SSN)


def test_values_of_which_nothing_is_left_are_refused():
    index = BlindIndex(MASTER, normalize="digits")
    with pytest.raises(ValueError, match="digits") as caught:
        index.tag("unknown", SSN)
    assert "unknown" not in str(caught.value)
    assert index.tag("", SSN)


def test_the_key_is_not_shown():
    index = BlindIndex(MASTER)
    assert MASTER not in repr(index)
    with pytest.raises(TypeError):
        pickle.dumps(index)
