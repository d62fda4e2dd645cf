"""Key management services that wrap the key-encryption key and never give theirs out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.encryption.kms.envelope import ServiceKeyProvider
from zenith.encryption.kms.service import KeyService
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.encryption.kms.aws import AwsKeyService
    from zenith.encryption.kms.azure import AzureKeyService
    from zenith.encryption.kms.google import GoogleKeyService
    from zenith.encryption.kms.vault import VaultKeyService

__all__ = [
    "AwsKeyService",
    "AzureKeyService",
    "GoogleKeyService",
    "KeyService",
    "ServiceKeyProvider",
    "VaultKeyService",
]

# Each needs an extra that the others do not.
__getattr__ = loader(
    __name__,
    {
        "AwsKeyService": "aws",
        "AzureKeyService": "azure",
        "GoogleKeyService": "google",
        "VaultKeyService": "vault",
    },
)
