"""Whatever is encrypted comes back as it was, and nowhere else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table

from zenith.encryption import (
    BlindIndex,
    Context,
    DataKey,
    DecryptionError,
    EncryptedBytes,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedString,
    EncryptionService,
    Keyring,
    KeyState,
    StreamCipher,
)
from zenith.encryption.normalization import NORMALIZATIONS
from zenith.encryption.streams import HEADER, PIECE, TAG

SERVICE = EncryptionService(Keyring([DataKey.new().within(KeyState.ACTIVE)]))
CIPHER = StreamCipher(SERVICE.keyring)
EXPORT = Context("export")
INDEX = "violet-Tractor-pond-ninety-0123456789-abcdef"
TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", EncryptedString(SERVICE, index=BlindIndex(INDEX))),
    Column("facts", EncryptedJSON(SERVICE)),
    Column("data", EncryptedBytes(SERVICE)),
    Column("day", EncryptedDate(SERVICE)),
    Column("sum", EncryptedDecimal(SERVICE)),
)
NAMES = ("text", "facts", "data", "day", "sum")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def kind(name: str) -> Any:
    return TABLE.c[name].type


def there_and_back(name: str, value: Any) -> Any:
    return kind(name).open(kind(name).seal(value))


@given(st.text())
def test_texts(value):
    assert there_and_back("text", value) == value


@given(JSON)
def test_json(value):
    assert there_and_back("facts", value) == value


@given(st.binary())
def test_bytes(value):
    assert there_and_back("data", value) == value


@given(st.dates())
def test_days(value):
    assert there_and_back("day", value) == value


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers())
def test_decimals_keep_their_places(value):
    back = there_and_back("sum", value)
    assert isinstance(back, Decimal)
    assert back.as_tuple() == Decimal(value).as_tuple()


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_no_column_opens_anothers_values(one, other):
    values = {"text": "x", "facts": [1], "data": b"x", "day": None, "sum": 5}
    if one != other and values[one] is not None:
        with pytest.raises(DecryptionError):
            kind(other).open(kind(one).seal(values[one]))


@given(st.text(max_size=100), st.text(max_size=100), st.sampled_from(sorted(NORMALIZATIONS)))
def test_tags_are_equal_exactly_where_spellings_are(one, other, name):
    index, place = BlindIndex(INDEX, normalize=name), Context("text", "t", "c")
    spell = NORMALIZATIONS[name]
    for value in (one, other):
        if value and not spell(value):
            with pytest.raises(ValueError, match="nothing left"):
                index.tag(value, place)
            return
    assert (index.tag(one, place) == index.tag(other, place)) == (spell(one) == spell(other))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3 * PIECE + 1), st.integers(500, 2 * PIECE), st.integers(500, 2 * PIECE))
def test_streams_do_not_depend_on_how_they_are_cut(size, cut, other):
    data = bytes(size)
    parts = [data[start : start + cut] for start in range(0, size, cut)]
    sealed = b"".join(CIPHER.encrypt(parts, EXPORT))
    assert len(sealed) == HEADER + size + TAG * max(1, -(-size // PIECE))
    pieces = [sealed[start : start + other] for start in range(0, len(sealed), other)]
    assert b"".join(CIPHER.decrypt(pieces, EXPORT)) == data
