from __future__ import annotations

import re
import zlib

import pytest

from zenith.api_keys import KEY_PATTERN, APIKey, is_key
from zenith.api_keys.key_format import DIGITS, holds_key, lookup_of, new_key
from zenith.kernel.keys import digest

ZEROS = "zk_" + "0" * 55


def test_a_key_is_prefix_name_secret_and_checksum() -> None:
    key = new_key(lambda below: below - 1)
    assert key[:58] == "zk_" + "z" * 55
    assert len(key) == 64
    assert is_key(key)
    assert lookup_of(key) == "zk_" + "z" * 12


def test_the_checksum_is_the_crc_that_everybody_has() -> None:
    key = new_key(lambda below: 0)
    assert key.startswith(ZEROS)
    number = 0
    for digit in key[-6:]:
        number = number * 62 + DIGITS.index(digit)
    assert number == zlib.crc32(ZEROS.encode())


def test_a_known_key_stays_a_key() -> None:
    """The format is a promise to scanners: this one was made when it was set down."""
    assert is_key("zk_mr5rk0vKvEh9cjaHQKmR7EurGreu3W9kzT41tg9tEK7rPdCPgx4Fe172sVTB1")


def test_keys_are_random() -> None:
    keys = {new_key() for _ in range(200)}
    assert len({key[15:58] for key in keys}) == 200
    assert 62**43 > 2**256


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: "",
        lambda key: "zk_",
        lambda key: "zk_short",
        lambda key: ZEROS + "000000",
        lambda key: "sk_" + key[3:],
        lambda key: key + "0",
        lambda key: key[:-1],
        lambda key: " " + key,
        lambda key: key + "\n",
        lambda key: key.replace("_", "-"),
        lambda key: "zk_" + "é" * 61,
        lambda key: "zk_" + "٣" * 61,
    ],
)
def test_anything_else_is_no_key(spoil) -> None:
    text = spoil(new_key())
    assert not is_key(text)


def test_scanners_find_a_key_in_a_text() -> None:
    key = new_key()
    text = f"export KEY={key}; echo done"
    assert re.findall(KEY_PATTERN, text) == [key]
    assert holds_key(text.encode())
    assert not holds_key(text.replace(key[-2:], "!!").encode())


def test_the_guides_model() -> None:
    key, key_hash = APIKey.generate_key()
    record = APIKey(name="reports", key_hash=key_hash, prefix=key[:15], scopes=("read:data",))
    assert key.startswith("zk_")
    assert key_hash == digest(key)
    assert record.verify_key(key)
    assert not record.verify_key(new_key())
    assert not record.verify_key(key[:-1] + ("0" if key[-1] != "0" else "1"))
    assert not record.verify_key("zk_é")
    assert record.rate_limit == 1000
    assert not record.revoked
    assert key_hash not in repr(record)
    assert "read:data" in record.scopes
