"""Asks a range service, such as Have I Been Pwned's, over HTTP.

Threat: passwords of other people's breaches (ASVS 6.2.12), without new ones: a sign-up that fails
or waits because another's service is away, a service that learns passwords, an answer that fills
the memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.passwords.breach import BreachQuery, read_range

if TYPE_CHECKING:
    import httpx

TIMEOUT: Final = 2.0
"""Seconds for the whole question and answer."""
MAX_ANSWER: Final = 512 * 1024
"""Bytes. A padded answer has about 1,000 lines of 40."""
MEMORY: Final = 300.0
"""Seconds for which an answer is used again; it names no password and nobody who asked."""
MAX_REMEMBERED: Final = 32
PAUSE: Final = 30.0
"""Seconds without a question after one that failed: a service that hangs costs one sign-up the
time-out, not each of them."""
QUIET: Final = 600.0
"""Seconds between two warnings that the service cannot be asked."""
OK: Final = 200
_log: Final = logging.getLogger("zenith.passwords")


class BreachService:
    """A `BreachChecker` over HTTP. `count` never raises and takes `timeout` seconds at most.

    `transport` makes the way out, httpx's own if left out. Needs httpx; raises ConfigurationError
    without it. `aclose` ends its connections; it may be used again afterwards.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        clock: Clock = steady_clock,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        try:
            import httpx  # noqa: PLC0415  optional: only who asks such a service needs it
        except ImportError:
            raise ConfigurationError(
                "passwords.breach_url needs httpx", fix="pip install 'zenith-security[breach]'"
            ) from None
        self._url: Final = url.rstrip("/")
        self._timeout: Final = timeout
        self._clock: Final = clock
        self._errors: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, SecurityError)
        self._open: Final = lambda: httpx.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            transport=None if transport is None else transport(),
        )
        self._client: httpx.AsyncClient | None = None
        self._remembered: dict[str, tuple[float, Mapping[str, int]]] = {}
        self._paused_until = float("-inf")
        self._quiet_until = float("-inf")

    async def count(self, password: str) -> int | None:
        """Times seen; None, and a warning in the log now and then, if the service does not say."""
        query = BreachQuery.of(password)
        now = self._clock()
        known = self._remembered.get(query.prefix)
        if known is not None and known[0] > now:
            return known[1].get(query.suffix, 0)
        if now < self._paused_until:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._ask(query.prefix)
        except self._errors as error:
            self._failed(getattr(error, "reason", "") or type(error).__name__)
            return None
        except ValueError as error:
            self._failed(str(error))
            return None
        self._remember(query.prefix, answer)
        return answer.get(query.suffix, 0)

    async def start(self) -> None:
        """Nothing: connections open with the first question."""

    async def stop(self) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, prefix: str) -> Mapping[str, int]:
        """Raises ValueError for an answer that is none."""
        client = self._client
        if client is None:
            # It reads the certificates of authorities, which takes a while.
            opened = await asyncio.to_thread(self._open)
            client = self._client or opened
            self._client = client
            if opened is not client:
                # Another question was first.
                await opened.aclose()
        headers = {"Add-Padding": "true", "User-Agent": "zenith-security"}
        async with client.stream("GET", f"{self._url}/{prefix}", headers=headers) as response:
            if response.status_code != OK:
                raise ValueError(f"status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes(chunk_size=16_384):
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise ValueError("the answer is too long")
        answer = read_range(body.decode("ascii", "replace"))
        if not answer:
            raise ValueError("the answer has no entries")
        return answer

    def _remember(self, prefix: str, answer: Mapping[str, int]) -> None:
        self._remembered.pop(prefix, None)
        while len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[prefix] = (self._clock() + MEMORY, answer)

    def _failed(self, reason: str) -> None:
        now = self._clock()
        self._paused_until = now + PAUSE
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET
            _log.warning(
                "the breach service cannot be asked (%s); passwords are taken without it", reason
            )
