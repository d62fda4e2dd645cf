"""Attack: somebody who can write to the database changes, cuts, extends or replaces ciphertexts.

ASVS 11.3.3: what was not made under the key, for this place, does not open, and nothing tells why.
"""

from __future__ import annotations

import string

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from zenith.encryption import (
    Context,
    DataKey,
    DecryptionError,
    EncryptionService,
    Keyring,
    KeyState,
)
from zenith.encryption import sealed as sealed_module
from zenith.encryption.sealed import from_text, to_text

MASTER = "violet-Tractor-pond-ninety-0123456789-abcdef"
SERVICE = EncryptionService(MASTER)
SSN = Context("text", "people", "ssn")
SEALED = SERVICE.seal(b"078-05-1120", SSN)
TEXT = SERVICE.seal_text(b"078-05-1120", SSN)
URL_SAFE = string.ascii_letters + string.digits + "-_"


def refused(text: str | bytes, context: Context = SSN, row: str | None = None) -> None:
    open_it = SERVICE.open if isinstance(text, bytes) else SERVICE.open_text
    with pytest.raises(DecryptionError) as caught:
        open_it(text, context, row=row)
    # One error with one text, and no cause that tells more.
    assert str(caught.value) == "the value cannot be decrypted"
    assert type(caught.value) is DecryptionError
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("place", range(len(SEALED)))
def test_every_bit_of_every_byte_is_authenticated(place):
    for bit in range(8):
        changed = bytearray(SEALED)
        changed[place] ^= 1 << bit
        refused(bytes(changed))


@pytest.mark.parametrize("place", range(len(TEXT)))
def test_every_character_of_the_text_form_counts(place):
    for other in (*URL_SAFE, "=", "+", "/", "\n", " ", "\0", "é"):
        if other != TEXT[place]:
            refused(TEXT[:place] + other + TEXT[place + 1 :])


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_truncated_values_do_not_open(length):
    refused(SEALED[:length])
    refused(SEALED[length + 1 :])


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_truncated_texts_do_not_open(length):
    refused(TEXT[:length])
    refused(TEXT[length + 1 :])


@pytest.mark.parametrize("more", ["A", "AAAA", "=", "==", "\n", " ", ".", TEXT, "\0"])
def test_extended_texts_do_not_open(more):
    refused(TEXT + more)
    refused(more + TEXT)


@pytest.mark.parametrize(
    "other",
    [
        Context("text", "people", "tin"),
        Context("text", "staff", "ssn"),
        Context("json", "people", "ssn"),
        Context("text", "peoples", "sn"),
        Context("text", "people"),
        Context("text"),
    ],
)
def test_swapped_places_do_not_open(other):
    refused(SEALED, other)
    refused(TEXT, other)
    refused(SERVICE.seal(b"x", other))


def test_swapped_rows_do_not_open():
    bound = SERVICE.seal(b"x", SSN, row="int:1")
    assert SERVICE.open(bound, SSN, row="int:1") == b"x"
    for row in (None, "int:2", "str:1", "int:1\0", ""):
        refused(bound, row=row)
    refused(SEALED, row="")


def test_parts_of_a_context_do_not_run_into_each_other():
    seen = {
        Context(purpose, table, column).encode(tag, row)
        for purpose in ("a", "ab")
        for table in ("", "b", "bc")
        for column in ("", "c", "bc")
        for tag in ("", "d")
        for row in (None, "", "d")
    }
    assert len(seen) == 2 * 3 * 3 * 2 * 3


def test_a_tag_is_neither_exchanged_nor_taken_off():
    tagged = SERVICE.seal_text(b"x", SSN, tag="A" * 22)
    assert SERVICE.open_text(tagged, SSN) == b"x"
    refused("B" * 22 + tagged[22:])
    refused(tagged[22:])
    refused("A" * 22 + TEXT)
    refused("A" * 44 + tagged[22:])


def test_a_foreign_key_id_does_not_open():
    for key_id in (bytes(4), b"\xff" * 4, DataKey.new().id):
        refused(SEALED[:1] + key_id + SEALED[5:])


def test_another_key_under_the_same_id_does_not_open():
    own = SERVICE.keyring.active
    forged = Keyring([DataKey(own.id, bytes(32), KeyState.ACTIVE)])
    refused(EncryptionService(forged).seal(b"x", SSN))


def test_another_salt_is_another_key():
    refused(SEALED[:5] + bytes(8) + SEALED[13:])


def test_a_value_is_not_downgraded():
    for version in (0, 2, 0x80, 0xFF):
        refused(bytes([version]) + SEALED[1:])
    for mark in ("ze0.", "ze2.", "ZE1.", "ze1", "ze1:"):
        refused(mark + TEXT[4:])


def test_fernet_tokens_are_not_believed_without_their_key():
    refused(Fernet(Fernet.generate_key()).encrypt(b"x").decode())


def test_an_oversize_value_is_refused_before_it_is_read(monkeypatch):
    def never(*given: object) -> bytes:
        raise AssertionError(given)

    monkeypatch.setattr(sealed_module, "decode", never)
    refused("ze1." + "A" * sealed_module.MAX_TEXT)
    refused("A" * (sealed_module.MAX_TEXT + 1))


def test_an_oversize_value_in_binary_is_refused():
    refused(SEALED + bytes(sealed_module.MAX_PLAIN + 1))


@given(st.binary(max_size=200))
def test_random_bytes_do_not_open(data):
    refused(data)


@given(st.text(max_size=200))
def test_random_texts_do_not_open(text):
    refused(text)
    refused("ze1." + text)


@given(st.binary(max_size=200), st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_whatever_is_sealed_comes_back_in_one_form(plain, table, column, row):
    context = Context("text", table, column)
    sealed = SERVICE.seal(plain, context, row=row)
    assert SERVICE.open(sealed, context, row=row) == plain
    assert len(sealed) == len(plain) + sealed_module.OVERHEAD
    assert from_text(to_text(sealed)) == ("", sealed)


def test_nonces_and_ciphertexts_never_repeat():
    many = [SERVICE.seal(b"x", SSN) for _ in range(2_000)]
    assert len({each[13:25] for each in many}) == len(many)
    assert len({each[5:13] for each in many}) == 1
    assert EncryptionService(MASTER).seal(b"x", SSN)[5:13] != many[0][5:13]
