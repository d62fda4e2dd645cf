"""Questions to a key management service over HTTPS: bounded in time, size and number."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, Final, cast

from zenith.encryption.errors import DecryptionError
from zenith.encryption.kms.service import ATTEMPTS, SECONDS, failed
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.tls import client_context

try:
    import httpx
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "this key management service needs httpx", fix="install zenith-security[kms-vault]"
    ) from error

MAX_ANSWER: Final = 64 * 1024
PAUSE: Final = 0.2
"""Seconds before the second attempt; twice as long before each further one."""
OK: Final = 200
REFUSED: Final = 400
AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})


class Calls:
    """Posts JSON and reads JSON. No proxy, no `.netrc` and no redirect is followed: the answer
    comes from whom the operator has named. `seconds` are for each attempt; `tls` holds authorities
    of the operator's own.
    """

    def __init__(
        self,
        name: str,
        *,
        seconds: float = SECONDS,
        attempts: int = ATTEMPTS,
        pause: float = PAUSE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name: Final = name
        self._seconds: Final = seconds
        self._attempts: Final = attempts
        self._pause: Final = pause
        self._tls = tls

    async def post(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str], *, opens: bool = False
    ) -> dict[str, Any]:
        """The answer. Where something is to be opened, that the service calls the question a bad
        one is a DecryptionError; every other failure is a ConfigurationError.
        """
        status, content = await self._answered(url, json.dumps(body).encode(), headers)
        if status == REFUSED and opens:
            raise DecryptionError
        if status != OK:
            raise failed(self._name, f"refuses with status {status}")
        try:
            found: Any = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise failed(self._name, "answers what is no JSON object")
        return cast("dict[str, Any]", found)

    async def _answered(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        how = "does not answer"
        if self._tls is None:
            # Reading all authorities of the system takes a while.
            self._tls = await asyncio.to_thread(client_context)
        async with httpx.AsyncClient(trust_env=False, verify=self._tls) as http:
            for attempt in range(self._attempts):
                if attempt:
                    await asyncio.sleep(self._pause * 2 ** (attempt - 1))
                try:
                    async with asyncio.timeout(self._seconds):
                        status, content = await self._once(http, url, body, headers)
                except (TimeoutError, httpx.HTTPError):
                    how = "does not answer"
                    continue
                if status not in AGAIN:
                    return status, content
                how = f"refuses with status {status}"
        raise failed(self._name, how)

    async def _once(
        self, http: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        sent = {"content-type": "application/json", "accept-encoding": "identity", **headers}
        async with http.stream("POST", url, content=body, headers=sent, timeout=None) as answer:
            content = b""
            async for piece in answer.aiter_raw():
                content += piece
                if len(content) > MAX_ANSWER:
                    raise failed(self._name, "answers more than a key can be")
            return answer.status_code, content
