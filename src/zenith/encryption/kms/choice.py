"""The key management service that settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.encryption.kms.envelope import ServiceKeyProvider
from zenith.encryption.kms.service import KeyService
from zenith.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from zenith.encryption.settings import EncryptionSettings


def service_provider(settings: EncryptionSettings) -> ServiceKeyProvider:
    """A provider of the key-encryption key that the service wraps; see `key_service`."""
    return ServiceKeyProvider(key_service(settings))


def key_service(settings: EncryptionSettings) -> KeyService:
    """Made of `kms_key` and what stands beside it; nothing is asked yet. Each service is imported
    for itself, since each needs other packages.

    Raises ConfigurationError for a key that is not named as its service names keys.
    """
    kind, _, key = settings.kms_key.partition(":")
    context, endpoint, seconds = settings.kms_context, settings.kms_endpoint, settings.kms_timeout
    if kind == "aws":
        from zenith.encryption.kms.aws import AwsKeyService  # noqa: PLC0415

        return AwsKeyService(key, context=context, endpoint=endpoint, seconds=seconds)
    if kind == "google":
        from zenith.encryption.kms.google import GoogleKeyService  # noqa: PLC0415
        from zenith.encryption.kms.google_token import google_token  # noqa: PLC0415

        token = google_token(seconds=seconds)
        return GoogleKeyService(
            key, context=context, token=token, endpoint=endpoint, seconds=seconds
        )
    if kind == "azure":
        from zenith.encryption.kms.azure import AzureKeyService  # noqa: PLC0415
        from zenith.encryption.kms.azure_token import azure_token  # noqa: PLC0415

        return AzureKeyService(
            key,
            signing_key=settings.kms_signing_key,
            context=context,
            token=azure_token(),
            seconds=seconds,
        )
    return _vault(settings, key)


def _vault(settings: EncryptionSettings, key: str) -> KeyService:
    from zenith.encryption.kms.vault import VaultKeyService  # noqa: PLC0415

    if settings.kms_token_file is None:
        raise ConfigurationError(
            "Vault is asked without a token",
            fix="set ZENITH_ENCRYPTION__KMS_TOKEN_FILE to the file that its agent writes",
        )
    return VaultKeyService(
        key,
        context=settings.kms_context,
        token_file=settings.kms_token_file,
        seconds=settings.kms_timeout,
    )
