"""Encryption: a service with a master key, and columns that the database cannot read."""

from __future__ import annotations

import os
from typing import Final

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from zenith.encryption import BlindIndex, EncryptedString, EncryptionService, guide_fernet_key
from zenith.kernel.keys import new_token

# Without keys in the environment, random ones: what they encrypt is for this process only.
MASTER_KEY: Final = os.environ.get("GUIDE_MASTER_KEY") or new_token(48)
INDEX_KEY: Final = os.environ.get("GUIDE_INDEX_KEY") or new_token(48)

encryption_service = EncryptionService(MASTER_KEY)


def successor_of(former_master_key: str, master_key: str) -> EncryptionService:
    """Reads what the guide's own service has encrypted under its master key; writes as today."""
    return EncryptionService(master_key, fernet_keys=[guide_fernet_key(former_master_key)])


class SensitiveData(SQLModel, table=True):
    """What a person would not like to read elsewhere. The number can be searched for, not read."""

    __tablename__ = "guide_sensitive_data"
    id: int | None = Field(default=None, primary_key=True)
    ssn: str = Field(
        sa_column=Column(
            EncryptedString(encryption_service, index=BlindIndex(INDEX_KEY, normalize="digits"))
        ),
        repr=False,
    )
    credit_card: str = Field(sa_column=Column(EncryptedString(encryption_service)), repr=False)
    user_id: int
