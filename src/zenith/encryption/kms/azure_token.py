"""Tokens for Azure, found as Azure's own tools find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zenith.encryption.kms.service import failed
from zenith.kernel.errors import ConfigurationError

try:
    from azure.core.exceptions import AzureError
    from azure.identity import DefaultAzureCredential
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "Azure Key Vault needs azure-identity", fix="install zenith-security[kms-azure]"
    ) from error

SCOPE: Final = "https://vault.azure.net/.default"


def azure_token() -> Callable[[], str]:
    """What gives a token of the credentials at hand: variables, a workload's or the machine's
    identity; raises ConfigurationError, then, where there are none.
    """
    found = DefaultAzureCredential()

    def token() -> str:
        try:
            return found.get_token(SCOPE).token
        except AzureError:
            raise failed("Azure Key Vault", "is asked by nobody: no token is given out") from None

    return token
