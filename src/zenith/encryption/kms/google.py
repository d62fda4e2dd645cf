"""Google Cloud KMS: `encrypt` and `decrypt` of a symmetric key, over its REST interface."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from zenith.encryption.kms.calls import Calls
from zenith.encryption.kms.crc32c import crc32c
from zenith.encryption.kms.service import (
    SECONDS,
    bound,
    checked_url,
    data_of,
    failed,
    member,
    text_of,
)
from zenith.kernel.errors import ConfigurationError

KEY: Final = re.compile(
    r"projects/[\w.:-]{1,128}/locations/[\w-]{1,63}/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}"
)
ENDPOINT: Final = "https://cloudkms.googleapis.com"


class GoogleKeyService:
    """`GoogleKeyService("projects/P/locations/L/keyRings/R/cryptoKeys/K", context=..., token=...)`.

    Threat: a bit that turns over on the way, so that the key is wrapped wrongly and all data is
    lost. Checksums (CRC32C) go with the question and come with the answer, as Google documents it;
    an answer that does not confirm them is refused.

    `token` gives a bearer token (`google_token` finds one as Google's own tools do); it runs in a
    thread. `endpoint` is another address of the service, such as one of a private network.
    """

    def __init__(
        self,
        key: str,
        *,
        context: str,
        token: Callable[[], str],
        endpoint: str = "",
        calls: Calls | None = None,
        seconds: float = SECONDS,
    ) -> None:
        if KEY.fullmatch(key) is None:
            raise ConfigurationError(
                "the key of Google Cloud KMS is not named",
                fix="write projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version",
            )
        base = checked_url(endpoint or ENDPOINT, setting="the endpoint of Google Cloud KMS")
        self.name: Final = "Google Cloud KMS"
        self._key: Final = key
        self._url: Final = f"{base}/v1/{key}"
        self._context: Final = bound(context)
        self._token: Final = token
        self._calls: Final = calls or Calls(self.name, seconds=seconds)

    async def encrypt(self, plain: bytes) -> bytes:
        """Ask `encrypt`."""
        answer = await self._asked("encrypt", "plaintext", plain)
        if not member(answer, "name", self.name).startswith(f"{self._key}/cryptoKeyVersions/"):
            raise failed(self.name, "answers for another key")
        for seen in ("verifiedPlaintextCrc32c", "verifiedAdditionalAuthenticatedDataCrc32c"):
            if answer.get(seen) is not True:
                raise failed(self.name, "did not get what was sent")
        return self._checked(answer, "ciphertext")

    async def decrypt(self, sealed: bytes) -> bytes:
        """Ask `decrypt`."""
        return self._checked(await self._asked("decrypt", "ciphertext", sealed), "plaintext")

    def _checked(self, answer: Mapping[str, Any], name: str) -> bytes:
        data = data_of(member(answer, name, self.name), self.name)
        if str(answer.get(f"{name}Crc32c")) != str(crc32c(data)):
            raise failed(self.name, "sent what was changed on the way")
        return data

    async def _asked(self, action: str, name: str, data: bytes) -> dict[str, Any]:
        token = await asyncio.to_thread(self._token)
        body = {
            name: text_of(data),
            f"{name}Crc32c": str(crc32c(data)),
            "additionalAuthenticatedData": text_of(self._context),
            "additionalAuthenticatedDataCrc32c": str(crc32c(self._context)),
        }
        return await self._calls.post(
            f"{self._url}:{action}",
            body,
            {"authorization": f"Bearer {token}"},
            opens=action == "decrypt",
        )
