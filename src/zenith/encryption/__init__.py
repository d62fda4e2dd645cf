"""Encryption of what must be read again: values, columns, files, and what one subject left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.encryption.blind_index import BlindIndex
    from zenith.encryption.columns import (
        EncryptedBytes,
        EncryptedColumnError,
        EncryptedDate,
        EncryptedDecimal,
        EncryptedJSON,
        EncryptedString,
        EncryptedText,
        SealedValue,
    )
    from zenith.encryption.context import Context
    from zenith.encryption.data_key import DataKey, KeyState
    from zenith.encryption.encryption import Encryption
    from zenith.encryption.errors import DecryptionError, SubjectErasedError
    from zenith.encryption.fernet_values import guide_fernet_key
    from zenith.encryption.files import decrypt_file, encrypt_file
    from zenith.encryption.key_document import unwrap_keys, wrap_keys
    from zenith.encryption.key_file import KeyFile
    from zenith.encryption.key_set import KeySet
    from zenith.encryption.keyring import Keyring
    from zenith.encryption.providers import (
        CommandKeyProvider,
        EnvironmentKeyProvider,
        FileKeyProvider,
        KeyProvider,
    )
    from zenith.encryption.service import EncryptionService
    from zenith.encryption.settings import EncryptionSettings
    from zenith.encryption.store import SubjectKeyStore
    from zenith.encryption.streams import StreamCipher
    from zenith.encryption.subject_keys import SubjectKeys

__all__ = [
    "BlindIndex",
    "CommandKeyProvider",
    "Context",
    "DataKey",
    "DecryptionError",
    "EncryptedBytes",
    "EncryptedColumnError",
    "EncryptedDate",
    "EncryptedDecimal",
    "EncryptedJSON",
    "EncryptedString",
    "EncryptedText",
    "Encryption",
    "EncryptionService",
    "EncryptionSettings",
    "EnvironmentKeyProvider",
    "FileKeyProvider",
    "KeyFile",
    "KeyProvider",
    "KeySet",
    "KeyState",
    "Keyring",
    "SealedValue",
    "StreamCipher",
    "SubjectErasedError",
    "SubjectKeyStore",
    "SubjectKeys",
    "decrypt_file",
    "encrypt_file",
    "guide_fernet_key",
    "unwrap_keys",
    "wrap_keys",
]

# SQLAlchemy is slow to import: who has no encrypted columns does not wait for it.
__getattr__ = loader(
    __name__,
    {
        "BlindIndex": "blind_index",
        "CommandKeyProvider": "providers",
        "Context": "context",
        "DataKey": "data_key",
        "DecryptionError": "errors",
        "EncryptedBytes": "columns",
        "EncryptedColumnError": "columns",
        "EncryptedDate": "columns",
        "EncryptedDecimal": "columns",
        "EncryptedJSON": "columns",
        "EncryptedString": "columns",
        "EncryptedText": "columns",
        "Encryption": "encryption",
        "EncryptionService": "service",
        "EncryptionSettings": "settings",
        "EnvironmentKeyProvider": "providers",
        "FileKeyProvider": "providers",
        "KeyFile": "key_file",
        "KeyProvider": "providers",
        "KeySet": "key_set",
        "KeyState": "data_key",
        "Keyring": "keyring",
        "SealedValue": "columns",
        "StreamCipher": "streams",
        "SubjectErasedError": "errors",
        "SubjectKeyStore": "store",
        "SubjectKeys": "subject_keys",
        "decrypt_file": "files",
        "encrypt_file": "files",
        "guide_fernet_key": "fernet_values",
        "unwrap_keys": "key_document",
        "wrap_keys": "key_document",
    },
)
