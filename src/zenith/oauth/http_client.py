"""Calls of providers: encrypted, bounded in time and size, never redirected.

Threats: a provider, or whoever answers in its place, that hangs, drips, floods or leads elsewhere
(RFC 9700 section 4.12, ASVS 15.2.2, 15.3.2); and secrets that a proxy or a file of the environment
picks up on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError
from zenith.oauth.errors import ProviderError
from zenith.outbound.certificates import usual_context
from zenith.outbound.errors import OutboundError
from zenith.outbound.resolver import SystemResolver
from zenith.outbound.settings import OutboundSettings
from zenith.tokens.json_object import parse_object

try:
    import httpx
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "sign-in with other providers needs httpx", fix="install zenith-security[oauth]"
    ) from error

from zenith.outbound.transport import OutboundTransport

MAX_BYTES: Final = 256 * 1024
OK: Final = 200
CREATED: Final = 201
BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
JSON_TYPES: Final = ("application/json", "application/jwk-set+json")
JWT: Final = "application/jwt"
ITEMS: Final = "items"


class ProviderHttp:
    """Speaks JSON with providers. Every failure is a ProviderError.

    `timeout`: seconds for a whole call. `outbound` says what is called: a provider's documents name
    further addresses, which must be public (ASVS 1.3.6). `transport` replaces the network, for
    tests.
    """

    def __init__(
        self,
        *,
        timeout: float,
        outbound: OutboundSettings | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout: Final = timeout
        self._outbound: Final = (outbound or OutboundSettings()).within(timeout, size=MAX_BYTES)
        self._transport: Final = transport
        # Made once: reading the certificates takes longer than a whole call.
        self._context: Final = usual_context() if transport is None else None
        self._names: Final = SystemResolver()

    async def get(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        """The JSON object at `url`; a list is found under `items`."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        response, body = await self._send("GET", url, headers=headers)
        _check_status(response)
        return _json(response, body)

    async def userinfo(self, url: str, *, bearer: str) -> dict[str, Any] | str:
        """The claims at `url`, or the compact token that they are signed in."""
        headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
        response, body = await self._send("GET", url, headers=headers)
        _check_status(response)
        return body.decode("latin-1") if _kind(response) == JWT else _json(response, body)

    async def post(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """What the endpoint for tokens or pushed requests answers, errors included (RFC 6749
        section 5.2).
        """
        response, body = await self._send("POST", url, headers=headers, form=form)
        if response.status_code not in (OK, CREATED, BAD_REQUEST, UNAUTHORIZED):
            raise ProviderError(reason=f"status {response.status_code} from a token endpoint")
        return _json(response, body)

    async def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> tuple[httpx.Response, bytes]:
        sent = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "zenith",
            **headers,
        }
        client = httpx.AsyncClient(
            timeout=self._timeout,
            follow_redirects=False,
            trust_env=False,
            transport=self._transport or self._way_out(),
        )
        try:
            # The time-outs of the client begin anew with each byte that drips in.
            async with (
                asyncio.timeout(self._timeout),
                client,
                client.stream(method, url, headers=sent, data=form) as response,
            ):
                body = await _bounded(response)
        except TimeoutError:
            raise ProviderError(reason="a provider did not answer in time") from None
        except OutboundError as error:
            raise ProviderError(reason=f"a provider: {error.reason}") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            # UnicodeError: httpx reads names, and what a document names may be none.
            raise ProviderError(reason=f"a provider: {type(error).__name__}") from None
        return response, body

    def _way_out(self) -> OutboundTransport:
        """One for each call: the client closes it."""
        return OutboundTransport(self._outbound, resolver=self._names, tls=self._context)


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        # Not asked for, and a small answer may unpack to a large one.
        raise ProviderError(reason="a provider answered in a coding that was not asked for")
    async for part in response.aiter_raw(16 * 1024):
        body += part
        if len(body) > MAX_BYTES:
            raise ProviderError(reason="a provider answered too much")
    return bytes(body)


def _check_status(response: httpx.Response) -> None:
    if response.status_code != OK:
        raise ProviderError(reason=f"status {response.status_code} from a provider")


def _kind(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _json(response: httpx.Response, body: bytes) -> dict[str, Any]:
    if _kind(response) not in JSON_TYPES and response.status_code == OK:
        raise ProviderError(reason="a provider answered no JSON")
    try:
        if body.lstrip()[:1] == b"[":
            return parse_object(b'{"%s":%s}' % (ITEMS.encode(), body))
        return parse_object(body)
    except ValueError:
        raise ProviderError(reason="a provider answered malformed JSON") from None
