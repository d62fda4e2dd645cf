"""What a caller asks for, as a request: what decides where it goes and ends is not the caller's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError
from zenith.outbound.errors import CallRefusedError

try:
    import httpx
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "calls of other servers need httpx", fix="install zenith-security[outbound]"
    ) from error

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OURS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive"}
    | {"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that a caller does not set: they say where a call goes and where it ends (RFC 9112
section 11, ASVS 4.2.1)."""
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def build(
    method: str,
    url: str,
    *,
    user_agent: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    data: Mapping[str, str] | None = None,
    json: Any = None,
) -> httpx.Request:
    """The request for a URL whose text is plain already. Raises CallRefusedError for a method or a
    header that is not sent, TypeError for two bodies.
    """
    if sum(body is not None for body in (content, data, json)) > 1:
        raise TypeError("content, data or json: a request has one body")
    if method not in METHODS:
        raise CallRefusedError(reason="the method is not called")
    sent = {"accept": "*/*", "user-agent": user_agent}
    for name, value in (headers or {}).items():
        if not _NAME.fullmatch(name) or name.lower() in OURS:
            raise CallRefusedError(reason="a header that a caller does not set")
        if not value.isascii() or not value.isprintable():
            raise CallRefusedError(reason="a header holds what no header holds")
        sent[name.lower()] = value
    try:
        target = httpx.URL(url)
        if params:
            target = target.copy_merge_params(params)
        return httpx.Request(method, target, headers=sent, content=content, data=data, json=json)
    except (httpx.InvalidURL, ValueError):  # no host, lone surrogates, no JSON number
        raise CallRefusedError(reason="the URL or the body cannot be written") from None
