"""The request firewall: refuses what can be read in two ways, before anybody reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from zenith.kernel.errors import BadRequestError
from zenith.transport.errors import HeadersTooLargeError, MethodNotAllowedError, UriTooLongError
from zenith.transport.settings import TransportSettings

SINGULAR: Final = frozenset(
    {
        b"access-control-request-method",
        b"authorization",
        b"content-length",
        b"content-type",
        b"dpop",
        b"host",
        b"origin",
        b"range",
        b"referer",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"sec-fetch-user",
        b"sec-websocket-key",
        b"transfer-encoding",
        b"user-agent",
        b"x-api-key",
        b"x-csrf-token",
    }
)
"""Headers that, sent twice, two readers may take for different values (ASVS 4.2.1)."""
USUAL: Final = SINGULAR | {
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"cache-control",
    b"connection",
    b"cookie",
    b"if-modified-since",
    b"if-none-match",
    b"pragma",
    b"priority",
    b"sec-ch-ua",
    b"sec-ch-ua-mobile",
    b"sec-ch-ua-platform",
    b"sec-fetch-dest",
    b"sec-fetch-user",
    b"upgrade-insecure-requests",
    b"x-forwarded-for",
    b"x-forwarded-proto",
}
"""Names that need no look at their characters."""
USUAL_SIZE: Final = sum(map(len, USUAL))
DISGUISED: Final = frozenset({b"content_length", b"transfer_encoding"})
"""What some servers take for the headers that they resemble."""
CONNECTION_HEADERS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"upgrade"}
)
MAX_LENGTH_DIGITS: Final = 18

_NAME: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_NAME_ANY_CASE: Final = _NAME + b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE: Final = bytes({9, *range(0x20, 0x7F), *range(0x80, 0x100)})
# Leaves values as they are, but for those that hold another octet: twice as fast as deleting.
_BLANKED: Final = bytes(octet if octet in _VALUE else ord(" ") for octet in range(256))
_VISIBLE: Final = bytes(octet for octet in range(0x21, 0x7F) if octet != ord("#"))
"""A request names no fragment: some readers cut it off, others take it for the path."""
VERSIONS: Final = frozenset({"1.0", "1.1", "2", "2.0", "3", "3.0"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd\\]")
_PLAIN: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?|/")
"""Paths in which there is nothing to misread."""
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)")
_NOT_ENCODED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_TWICE_ENCODED: Final = re.compile(rb"%25[0-9A-Fa-f]{2}")
_ENCODED_SLASH: Final = re.compile(rb"%(?:2[Ff]|5[Cc])")
_CHARSET: Final = re.compile(
    rb'charset="?(?:utf-?8|(?:us-)?ascii|iso-8859-1|latin-?1)"?[ \t]*(?:;|$)'
)


class Firewall:
    """Threat: requests that this application, its proxies and its caches understand differently.

    Smuggled requests (ASVS 4.2.1, 4.2.3), header injection (ASVS 4.2.4), path tricks against rules
    written for plain paths, text in encodings that nobody sends (ASVS 4.1.4, 2.2.1). A clean
    request costs a few look-ups: whole fields are tested at once, and only a field that fails is
    looked at piece by piece.
    """

    __slots__ = ("_methods", "_settings")

    def __init__(self, settings: TransportSettings) -> None:
        self._settings: Final = settings
        self._methods: Final = frozenset(settings.methods)

    def check_target(self, method: str, path: str, raw_path: bytes | None, query: bytes) -> None:
        """Raises MethodNotAllowedError, UriTooLongError or BadRequestError."""
        if method not in self._methods:
            allow = ", ".join(sorted(self._methods))
            raise MethodNotAllowedError(reason="method not served", headers={"Allow": allow})
        if len(raw_path or path) + len(query) > self._settings.max_url_size:
            raise UriTooLongError(reason="path and query too long")
        if _PLAIN.fullmatch(path) is None or raw_path not in (None, path.encode()):
            self._check_path(path, raw_path)
        if query:
            if query.translate(None, _VISIBLE) or b"%00" in query:
                raise BadRequestError(reason="forbidden character in query")
            if query.count(b"&") >= self._settings.max_query_parameters:
                raise BadRequestError(reason="too many query parameters")

    def check_headers(
        self,
        raw: Sequence[tuple[bytes, bytes]],
        headers: Mapping[bytes, bytes],
        *,
        http_version: str,
    ) -> None:
        """`raw` as they came, `headers` the same without repetitions.

        Raises HeadersTooLargeError or BadRequestError.
        """
        if http_version not in VERSIONS:
            raise BadRequestError(reason="unknown version of HTTP")
        names = b"" if headers.keys() <= USUAL else b"".join(headers)
        values = b"".join(headers.values())
        if (
            len(headers) != len(raw)
            or len(headers) > self._settings.max_headers
            or len(names) + len(values) + USUAL_SIZE > self._settings.max_header_size
            or b"" in headers
            or (names and names.translate(None, _NAME))
            or values.translate(_BLANKED) != values
        ):
            self._check_each(raw)
        length = headers.get(b"content-length")
        if length is not None and not (length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
            raise BadRequestError(reason="Content-Length is no number")
        if b"transfer-encoding" in headers:
            _check_transfer_encoding(headers, length, http_version)
        if not DISGUISED.isdisjoint(headers):
            raise BadRequestError(reason="disguised length or transfer coding")
        content_type = headers.get(b"content-type")
        if content_type is not None:
            if not content_type.isascii():
                # Some readers strip spaces that only Unicode knows, and then see JSON.
                raise BadRequestError(reason="Content-Type beyond ASCII")
            if b";" in content_type:
                _check_charset(content_type)
        if http_version[0] != "1" and not CONNECTION_HEADERS.isdisjoint(headers):
            raise BadRequestError(reason="connection header in HTTP/2 or later")

    def _check_each(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        settings = self._settings
        total, seen = 0, set[bytes]()
        for name, value in raw:
            size = len(name) + len(value)
            total += size
            if size > settings.max_header_size or total > settings.max_headers_size:
                raise HeadersTooLargeError(reason="header too large")
            if not name or name.translate(None, _NAME_ANY_CASE):
                raise BadRequestError(reason="malformed header name")
            if value.translate(None, _VALUE):
                raise BadRequestError(reason="control character in header")
            lowered = name.lower()
            if lowered in SINGULAR and lowered in seen:
                raise BadRequestError(reason=f"repeated {lowered.decode('ascii')}")
            seen.add(lowered)
        if len(raw) > settings.max_headers:
            raise HeadersTooLargeError(reason="too many headers")

    def _check_path(self, path: str, raw_path: bytes | None) -> None:
        if raw_path is not None and (
            b"%" in raw_path or b"#" in raw_path or b" " in raw_path or not raw_path.isascii()
        ):
            self._check_encoding(raw_path)
        if not path.startswith("/"):
            raise BadRequestError(reason="path does not start with a slash")
        if not (path.isascii() and path.isprintable() and "\\" not in path):
            self._check_characters(path)
        if "/." in path and _DOTS.search(path):
            raise BadRequestError(reason="dot segment in path")
        if "//" in path and not self._settings.allow_empty_path_segments:
            raise BadRequestError(reason="empty segment in path")

    def _check_encoding(self, raw_path: bytes) -> None:
        if raw_path.translate(None, _VISIBLE):
            raise BadRequestError(reason="unencoded character in path")
        if _NOT_ENCODED.search(raw_path) or _TWICE_ENCODED.search(raw_path):
            raise BadRequestError(reason="path is not encoded exactly once")
        if not self._settings.allow_encoded_slashes and _ENCODED_SLASH.search(raw_path):
            raise BadRequestError(reason="encoded slash in path")
        try:
            unquote_to_bytes(raw_path).decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequestError(reason="path is not UTF-8") from None

    def _check_characters(self, path: str) -> None:
        if self._settings.allow_encoded_slashes:
            path = path.replace("\\", "")
        if _CONTROL.search(path):
            raise BadRequestError(reason="forbidden character in path")


def _check_transfer_encoding(
    headers: Mapping[bytes, bytes], length: bytes | None, http_version: str
) -> None:
    if length is not None:
        raise BadRequestError(reason="Content-Length beside Transfer-Encoding")
    if http_version != "1.1" or headers[b"transfer-encoding"].lower() != b"chunked":
        raise BadRequestError(reason="unknown Transfer-Encoding")


def _check_charset(content_type: bytes) -> None:
    """Bodies are UTF-8, or what is the same for ASCII; decoders for the rest are attack surface."""
    lowered = content_type.lower()
    if lowered.count(b"charset") != len(_CHARSET.findall(lowered)):
        raise BadRequestError(reason="unknown charset")
