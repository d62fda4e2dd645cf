"""Decodes what the product has written by the tables of docs/explanation/encryption.md alone.

Whoever has the key, the files and that page reads the data without this project. So nothing of it
is used to decode: the standard library, and `cryptography` for AES-GCM and HKDF.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.encryption.conftest import MASTER
from zenith.encryption import (
    BlindIndex,
    Context,
    EncryptedBytes,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedString,
    Encryption,
    EncryptionService,
    EncryptionSettings,
    StreamCipher,
    SubjectKeys,
    encrypt_file,
)
from zenith.kernel.keys import Secret
from zenith.stores.memory import MemorySubjectKeyStore

Keys = dict[bytes, bytes]


# By the page alone --------------------------------------------------------------------------------


def hkdf(material: bytes, info: str, salt: bytes | None = None, length: int = 32) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=info.encode()).derive(material)


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(*texts: str) -> bytes:
    return b"".join(len(each.encode()).to_bytes(2, "big") + each.encode() for each in texts)


def binary(value: bytes, keys: Keys, *place: str, tag: str = "", row: str | None = None) -> bytes:
    purpose, table, column = place if len(place) == 3 else (*place, "", "")
    assert value[0] == 1
    key = hkdf(keys[value[1:5]], "zenith/encryption/value/1", value[5:13])
    bound = b"\x00" if row is None else b"\x01" + row.encode()
    aad = value[:13] + parts(purpose, table, column, tag) + bound
    return AESGCM(key).decrypt(value[13:25], value[25:], aad)


def value(stored: str, keys: Keys, *place: str, row: str | None = None) -> bytes:
    tag, mark, body = stored.rpartition("ze1.")
    assert mark == "ze1."
    return binary(unbase64(body), keys, *place, tag=tag, row=row)


def keys_of_secret(secret: str) -> Keys:
    material = secret.encode()
    key_id = hkdf(material, "zenith/encryption/data-key/id", length=4)
    return {key_id: hkdf(material, "zenith/encryption/data-key")}


def keys_of_document(document: str, secret: str) -> dict[str, Keys]:
    read = json.loads(document)
    own = keys_of_secret(secret)
    seal = unbase64(read.pop("seal"))
    whole = json.dumps(read, sort_keys=True, separators=(",", ":")).encode()
    assert binary(seal, own, "data-key", row="document") == hashlib.sha256(whole).digest()
    found: dict[str, Keys] = {}
    for use in ("values", "indexes"):
        found[use] = {}
        for entry in read[use]:
            if entry["state"] != "destroyed":
                row = f"{use} {entry['id']} {entry['state']} {entry['created']!r}"
                key = binary(unbase64(entry["wrapped"]), own, "data-key", row=row)
                found[use][bytes.fromhex(entry["id"])] = key
    return found


def tag_of(spelled: str, secret: bytes, normalize: str, table: str, column: str) -> str:
    key = hkdf(secret, f"zenith/encryption/blind-index/{normalize}")
    message = parts("text", table, column) + spelled.encode()
    digest = hmac.digest(key, message, "sha256")[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def stream(data: bytes, keys: Keys, purpose: str) -> bytes:
    assert data[:4] == b"zes\x01"
    cipher = AESGCM(hkdf(keys[data[4:8]], "zenith/encryption/stream/1", data[8:32]))
    aad = data[:32] + parts(purpose, "", "", "") + b"\x00"
    pieces = [data[start : start + 65_552] for start in range(32, len(data), 65_552)]
    return b"".join(
        cipher.decrypt(number.to_bytes(11, "big") + bytes([number == len(pieces) - 1]), piece, aad)
        for number, piece in enumerate(pieces)
    )


# What the product writes --------------------------------------------------------------------------


@pytest.fixture
def encryption(tmp_path: Path) -> Encryption:
    return Encryption.from_settings(
        EncryptionSettings(key=Secret(MASTER)), folder=tmp_path, create=True
    )


def test_columns_under_the_keys_of_a_document(encryption: Encryption) -> None:
    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        ssn: Mapped[str] = mapped_column(
            EncryptedString(encryption, index=encryption.blind_index("digits"))
        )
        note: Mapped[str] = mapped_column(EncryptedString(encryption, row="id"))
        facts: Mapped[Any] = mapped_column(EncryptedJSON(encryption))
        born: Mapped[date] = mapped_column(EncryptedDate(encryption))
        pay: Mapped[Decimal] = mapped_column(EncryptedDecimal(encryption))
        photo: Mapped[bytes] = mapped_column(EncryptedBytes(encryption))

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(
            Person(
                id=5,
                ssn="078-05-1120",
                note="tea, ü",
                facts={"a": [1, None]},
                born=date(1999, 12, 31),
                pay=Decimal("1234.50"),
                photo=b"\x00\xff",
            )
        )
        session.commit()
        row = session.execute(text("SELECT * FROM person")).mappings().one()
    engine.dispose()
    found = keys_of_document(encryption.file.path.read_text(), MASTER)
    keys = found["values"]
    assert value(row["ssn"], keys, "text", "person", "ssn") == b"078-05-1120"
    assert value(row["note"], keys, "text", "person", "note", row="int:5").decode() == "tea, ü"
    assert json.loads(value(row["facts"], keys, "json", "person", "facts")) == {"a": [1, None]}
    assert value(row["born"], keys, "date", "person", "born") == b"1999-12-31"
    assert value(row["pay"], keys, "decimal", "person", "pay") == b"1234.50"
    assert binary(row["photo"], keys, "bytes", "person", "photo") == b"\x00\xff"
    (index,) = found["indexes"].values()
    secret = base64.urlsafe_b64encode(index).rstrip(b"=")
    assert row["ssn"][:22] == tag_of("078051120", secret, "digits", "person", "ssn")
    with pytest.raises(InvalidTag):
        value(row["ssn"], keys, "text", "person", "note")


def test_values_and_indexes_under_a_secret() -> None:
    service, keys = EncryptionService(MASTER), keys_of_secret(MASTER)
    assert value(service.encrypt("tea"), keys, "text") == b"tea"
    sealed = service.encrypt("tea", context="invoice/42")
    assert value(sealed, keys, "text", row="invoice/42") == b"tea"
    assert value(service.encrypt_field([1]), keys, "json") == b"[1]"
    kind = EncryptedString(service, index=BlindIndex(MASTER, normalize="caseless"))
    person = Table("p", MetaData(), Column("id", Integer, primary_key=True), Column("mail", kind))
    engine = create_engine("sqlite://")
    person.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(person).values(mail="Ada@Example.org"))
        stored = connection.execute(text("SELECT mail FROM p")).scalar_one()
    engine.dispose()
    assert stored[:22] == tag_of("ada@example.org", MASTER.encode(), "caseless", "p", "mail")
    assert value(stored, keys, "text", "p", "mail") == b"Ada@Example.org"


async def test_streams_and_files(encryption: Encryption, tmp_path: Path) -> None:
    keys = keys_of_document(encryption.file.path.read_text(), MASTER)["values"]
    cipher = StreamCipher(encryption.keyring)
    for size in (0, 1, 65_536, 65_537, 200_000):
        data = bytes(each % 251 for each in range(size))
        assert stream(b"".join(cipher.encrypt([data], Context("export"))), keys, "export") == data
        (tmp_path / "plain").write_bytes(data)
        await encrypt_file(cipher, tmp_path / "plain", tmp_path / "sealed")
        assert stream((tmp_path / "sealed").read_bytes(), keys, "file") == data


async def test_what_is_under_the_key_of_a_subject(encryption: Encryption) -> None:
    keys = keys_of_document(encryption.file.path.read_text(), MASTER)["values"]
    store = MemorySubjectKeyStore()
    letter = (await SubjectKeys(encryption, store).service_for("ada")).encrypt("Dear Ada")
    wrapped = await store.find("ada") or ""
    key = value(wrapped, keys, "subject-key", "zenith", "subject_key", row="ada")
    assert value(letter, {key[:4]: key[4:]}, "text") == b"Dear Ada"
