"""Values that were made once and must open for ever, whatever changes in the code.

`encryption_format_1.json` is ours, for there is no official vector of our format; the HKDF that
makes message keys is checked against RFC 5869, appendix A.1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zenith.encryption import BlindIndex, Context, EncryptionService, StreamCipher
from zenith.encryption.cipher import message_key
from zenith.encryption.sealed import from_text

PATH = Path(__file__).resolve().parents[1] / "vectors" / "encryption_format_1.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
SERVICE = EncryptionService(VECTORS["master_key"])


def context(entry: dict[str, Any]) -> Context:
    return Context(entry["purpose"], entry.get("table", ""), entry.get("column", ""))


@pytest.mark.parametrize("entry", VECTORS["values"], ids=lambda entry: entry["value"][:12])
def test_values_of_version_1_open(entry):
    plain = SERVICE.open_text(entry["value"], context(entry), row=entry["row"])
    assert plain.hex() == entry["plain"]


def test_binary_values_streams_key_ids_and_tags_of_version_1_hold():
    binary, stream = VECTORS["binary"], VECTORS["stream"]
    assert SERVICE.open(bytes.fromhex(binary["value"]), context(binary)).hex() == binary["plain"]
    opened = StreamCipher(SERVICE.keyring).decrypt(
        [bytes.fromhex(stream["stream"])], context(stream)
    )
    assert b"".join(opened).hex() == stream["plain"]
    assert SERVICE.keyring.active.id.hex() == VECTORS["key_id"]
    index = BlindIndex(VECTORS["index_key"], normalize="digits")
    assert index.tag("078051120", Context("text", "people", "ssn")) == VECTORS["tag"]


def test_message_keys_are_hkdf():
    key = message_key(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)))
    assert key.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@pytest.mark.parametrize("entry", VECTORS["values"], ids=lambda entry: entry["value"][:12])
def test_the_format_is_as_it_is_documented(entry):
    """Opened here byte by byte, with nothing of ours but the base64."""
    tag, value = from_text(entry["value"])
    secret = VECTORS["master_key"].encode()

    def derive(material: bytes, salt: bytes | None, info: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(material)

    data_key = derive(secret, None, b"zenith/encryption/data-key")
    cipher = AESGCM(derive(data_key, value[5:13], b"zenith/encryption/value/1"))
    parts = [entry["purpose"], entry["table"], entry["column"], tag]
    aad = value[:13] + b"".join(len(p.encode()).to_bytes(2, "big") + p.encode() for p in parts)
    aad += b"\x00" if entry["row"] is None else b"\x01" + entry["row"].encode()
    assert value[0] == 1
    assert value[1:5].hex() == VECTORS["key_id"]
    assert cipher.decrypt(value[13:25], value[25:], aad).hex() == entry["plain"]
