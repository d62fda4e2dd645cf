"""Azure Key Vault: `wrapKey` and `unwrapKey` of an RSA key, and `sign` and `verify` of another."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from zenith.encryption.errors import DecryptionError
from zenith.encryption.kms.calls import Calls
from zenith.encryption.kms.service import SECONDS, bound, checked_url, data_of, failed, member
from zenith.kernel.errors import ConfigurationError

VERSION: Final = "api-version=7.4"
PATH: Final = re.compile(r"https?://[^/]+/keys/[A-Za-z0-9-]{1,127}/[0-9a-f]{32}")
WRAPPING: Final = "RSA-OAEP-256"
SIGNING: Final = "PS256"


class AzureKeyService:
    """`AzureKeyService("https://V.vault.azure.net/keys/N/VERSION", signing_key=..., context=...)`.

    Threat: an RSA key wraps for everybody. Who can write the file of keys and knows the public key
    could put keys of his own in it, under which all new data would be encrypted. So a second RSA
    key of the vault signs what the first has wrapped, together with the context; what is not signed
    does not open. The two uses are two keys (ASVS 11.2.4 forbids one). Both are named with their
    version, so that an answer of another is seen.

    `token` gives a bearer token (`azure_token` finds one as Azure's own tools do); it runs in a
    thread.
    """

    def __init__(
        self,
        key: str,
        *,
        signing_key: str,
        context: str,
        token: Callable[[], str],
        calls: Calls | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._key: Final = _checked(key, "the key of Azure Key Vault")
        self._signer: Final = _checked(signing_key, "the signing key of Azure Key Vault")
        if self._key == self._signer:
            raise ConfigurationError(
                "one key of Azure Key Vault wraps and signs", fix="make a second one that signs"
            )
        self.name: Final = "Azure Key Vault"
        self._context: Final = bound(context)
        self._token: Final = token
        self._calls: Final = calls or Calls(self.name, seconds=seconds)

    async def encrypt(self, plain: bytes) -> bytes:
        """Ask `wrapkey`, and `sign` for what came."""
        wrapped = await self._asked(self._key, "wrapkey", alg=WRAPPING, value=_text(plain))
        signature = await self._asked(
            self._signer, "sign", alg=SIGNING, value=self._digest(wrapped)
        )
        return len(wrapped).to_bytes(2, "big") + wrapped + signature

    async def decrypt(self, sealed: bytes) -> bytes:
        """Ask `verify`, then `unwrapkey`."""
        end = 2 + int.from_bytes(sealed[:2], "big")
        wrapped, signature = sealed[2:end], sealed[end:]
        if not wrapped or not signature:
            raise DecryptionError
        answer = await self._answer(
            self._signer,
            "verify",
            alg=SIGNING,
            digest=self._digest(wrapped),
            value=_text(signature),
        )
        if answer.get("value") is not True:
            raise DecryptionError
        return await self._asked(self._key, "unwrapkey", alg=WRAPPING, value=_text(wrapped))

    def _digest(self, wrapped: bytes) -> str:
        # The context has no NUL of its own before this one, and what is wrapped has one length.
        return _text(hashlib.sha256(self._context + b"\0" + wrapped).digest())

    async def _asked(self, key: str, action: str, **body: str) -> bytes:
        answer = await self._answer(key, action, **body)
        if answer.get("kid") != key:
            raise failed(self.name, "answers for another key")
        return data_of(member(answer, "value", self.name), self.name)

    async def _answer(self, key: str, action: str, **body: str) -> dict[str, Any]:
        token = await asyncio.to_thread(self._token)
        headers = {"authorization": f"Bearer {token}"}
        opens = action in {"verify", "unwrapkey"}
        return await self._calls.post(f"{key}/{action}?{VERSION}", body, headers, opens=opens)


def _checked(key: str, name: str) -> str:
    checked_url(key, setting=name)
    if PATH.fullmatch(key) is None:
        raise ConfigurationError(
            f"{name} is not named with its version", fix="write https://HOST/keys/NAME/VERSION"
        )
    return key


def _text(data: bytes) -> str:
    """Base64url without padding, as this interface wants it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
