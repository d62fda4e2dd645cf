"""Finds one field in a form body while it arrives, without keeping more than it must."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from zenith.kernel.errors import BadRequestError

URLENCODED: Final = b"application/x-www-form-urlencoded"
MULTIPART: Final = b"multipart/form-data"
MAX_VALUE: Final = 512
"""Bytes of the field's value that are kept; tokens are shorter."""
MAX_BOUNDARY: Final = 70
"""RFC 2046 section 5.1.1."""
MAX_DISPOSITION: Final = 1024


class FieldFinder(Protocol):
    """Looks for one field in a body that is fed to it in pieces."""

    @property
    def value(self) -> str | None:
        """The field's first value once it was read whole."""
        ...

    def feed(self, data: bytes) -> None:
        """Read on. Raises BadRequestError for a body that is no such form."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


def finder_for(content_type: bytes, field: str) -> FieldFinder | None:
    """The finder for a form's media type, None for bodies that are no form.

    Raises BadRequestError for a multipart form without a usable boundary.
    """
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type == URLENCODED:
        return UrlencodedFinder(field)
    if media_type == MULTIPART:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not 0 < len(boundary) <= MAX_BOUNDARY:
            raise BadRequestError(reason="multipart form without a usable boundary")
        return MultipartFinder(field, boundary)
    return None


class UrlencodedFinder:
    """Keeps the pairs until they are all there; the body's size is the caller's concern."""

    __slots__ = ("_body", "_pattern", "value")

    def __init__(self, field: str) -> None:
        # Names of our alphabet are never percent-encoded by browsers.
        self._pattern: Final = re.compile(rb"(?:^|&)%b=([^&]{0,%d})" % (field.encode(), MAX_VALUE))
        self._body: Final = bytearray()
        self.value: str | None = None

    def feed(self, data: bytes) -> None:
        """Keep `data`."""
        self._body.extend(data)

    def close(self) -> None:
        """Find the pair."""
        match = self._pattern.search(self._body)
        if match is not None:
            self.value = unquote_to_bytes(match.group(1)).decode("latin-1")


class MultipartFinder:
    """Reads parts (RFC 7578) and keeps nothing but the field's own value."""

    def __init__(self, field: str, boundary: bytes) -> None:
        self._field: Final = field.encode("ascii")
        self._header = bytearray()
        self._content = bytearray()
        self._disposition = bytearray()
        self._collecting: bytearray | None = None
        self.value: str | None = None
        self._parser: Final = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._name,
                "on_header_value": self._content_of_header,
                "on_header_end": self._end_of_header,
                "on_headers_finished": self._decide,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Parse on; raises BadRequestError where the parts do not fit together."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise BadRequestError(reason="malformed multipart form") from error

    def close(self) -> None:
        """An unfinished part holds no field."""

    def _begin(self) -> None:
        self._disposition.clear()
        self._collecting = None

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _content_of_header(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if len(self._content) > MAX_DISPOSITION:
            raise BadRequestError(reason="oversized multipart header")

    def _end_of_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition[:] = self._content
        self._header.clear()
        self._content.clear()

    def _decide(self) -> None:
        options = parse_options_header(bytes(self._disposition))[1]
        if self.value is None and options.get(b"name") == self._field:
            self._collecting = None if b"filename" in options else bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._collecting is not None and len(self._collecting) <= MAX_VALUE:
            self._collecting += data[start:end]

    def _end(self) -> None:
        if self._collecting is not None:
            self.value = self._collecting[:MAX_VALUE].decode("latin-1")
            self._collecting = None


def is_json(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the body is JSON, which no HTML form can send."""
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return media_type == b"application/json"
