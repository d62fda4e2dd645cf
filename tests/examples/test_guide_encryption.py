"""The guide's encryption: the service with its four methods, the column type, and the model."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from sqlalchemy import Column, create_engine, select, text
from sqlmodel import Session

from examples.guide.encryption import SensitiveData, encryption_service, successor_of
from zenith.encryption import (
    Context,
    DecryptionError,
    EncryptedColumnError,
    EncryptedString,
    EncryptionService,
)
from zenith.kernel.errors import ConfigurationError

MASTER = "violet-Tractor-pond-ninety-0123456789-abcdef"
CARD = "4111 1111 1111 1111"


def guides_fernet(master_key: str) -> Fernet:
    """What the guide's service makes of its master key, less the name that it misspells."""
    kdf = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=b"stable_salt", iterations=100_000)
    return Fernet(base64.urlsafe_b64encode(kdf.derive(master_key.encode())))


def test_the_four_methods_of_the_service():
    """The guide imports a class that does not exist (`PBKDF2`), takes any master key with one salt
    for the whole world, and binds values to nothing."""
    assert encryption_service.decrypt(encryption_service.encrypt("secret")) == "secret"
    field = {"number": CARD, "valid": True, "limit": None}
    assert encryption_service.decrypt_field(encryption_service.encrypt_field(field)) == field
    with pytest.raises(ConfigurationError):
        EncryptionService("password")


def test_what_the_guides_service_has_encrypted_is_read():
    old = guides_fernet("the master key of old").encrypt(CARD.encode()).decode()
    service = successor_of("the master key of old", MASTER)
    assert service.decrypt(old) == CARD
    assert EncryptionService(MASTER).decrypt(service.reencrypt(old, Context("text"))) == CARD
    with pytest.raises(DecryptionError):
        EncryptionService(MASTER).decrypt(old)


def test_a_column_takes_the_service():
    """The guide's type encrypts the same for every column: values can be moved between them. It
    looks for a column by equality and never finds a row; here that is an error."""
    column = Column("credit_card", EncryptedString(encryption_service))
    assert repr(column.type) == "EncryptedString()"
    with pytest.raises(EncryptedColumnError):
        _ = SensitiveData.credit_card == CARD


def test_the_model_is_encrypted_and_can_be_searched():
    """The guide's model shows both values in its repr, and so in logs, and cannot be searched."""
    engine = create_engine("sqlite://", hide_parameters=True)
    SensitiveData.metadata.create_all(engine, tables=[SensitiveData.__table__])  # type: ignore[attr-defined]
    with Session(engine) as session:
        session.add(SensitiveData(ssn="078-05-1120", credit_card=CARD, user_id=1))
        session.commit()
        session.expunge_all()
        row = session.exec(select(SensitiveData).where(SensitiveData.ssn == "078051120")).one()[0]
        assert (row.ssn, row.credit_card) == ("078-05-1120", CARD)
        assert CARD not in repr(row)
        kept = str(session.exec(text("SELECT * FROM guide_sensitive_data")).all())  # type: ignore[call-overload]
    engine.dispose()
    assert CARD not in kept
    assert "078-05-1120" not in kept
