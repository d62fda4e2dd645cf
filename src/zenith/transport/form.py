"""Forms: how many fields they have, counted before anybody parses them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from zenith.kernel.errors import BadRequestError, PayloadTooLargeError
from zenith.pipeline import Exchange, Message
from zenith.transport.body import GuardedBody

URLENCODED: Final = b"application/x-www-form-urlencoded"
MULTIPART: Final = b"multipart/"
_PLAIN: Final = rb"[0-9A-Za-z'()+_,./:=?-]{1,70}"
_QUOTED: Final = rb"[0-9A-Za-z'()+_,./:=? -]{1,70}"
_BOUNDARY: Final = re.compile(
    rb'boundary=(?:"(%s)"|(%s))[ \t]*(?:;|$)' % (_QUOTED, _PLAIN), re.IGNORECASE
)
# Also in the forms that only some parsers know. The word alone is no name: Chromium and Safari have
# it in the boundary itself.
_NAMED: Final = re.compile(rb"boundary[ \t*0-9]*=", re.IGNORECASE)


class FormKind(NamedTuple):
    """How the fields of a form are told apart."""

    separator: bytes
    surplus: int
    """How many more separators than fields there are."""


def form_kind(content_type: bytes) -> FormKind | None:
    """What kind of form a body is; None for other bodies.

    Threat: a boundary that a proxy's filter and the application's parser read differently, so that
    one of them sees other fields (ASVS 4.2.1). Raises BadRequestError unless it is there once, and
    as RFC 2046 section 5.1.1 has it.
    """
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == URLENCODED:
        return FormKind(b"&", -1)
    if not kind.startswith(MULTIPART):
        return None
    found = _BOUNDARY.findall(content_type)
    if len(found) != 1 or len(_NAMED.findall(content_type)) != 1:
        raise BadRequestError(reason="no boundary, or none that is certain")
    quoted, plain = found[0]
    return FormKind(b"--" + (quoted or plain), 1)


class FormBody(GuardedBody):
    """Stands in for `receive` where the body is a form.

    Threat: a small body of very many fields or files, each of which costs memory, a look-up or an
    open file (ASVS 2.2.1, 5.2.1). Counted as it comes; raises PayloadTooLargeError.
    """

    __slots__ = ("_left", "_separator", "_tail")

    def __init__(self, exchange: Exchange, *, limit: int, kind: FormKind, fields: int) -> None:
        super().__init__(exchange, limit=limit, json_depth=0)
        self._separator: Final = kind.separator
        self._left = fields + kind.surplus
        self._tail = b""

    async def __call__(self) -> Message:
        message = await self._next()
        if message["type"] == "http.request":
            chunk: bytes = self._tail + message.get("body", b"")
            self._left -= chunk.count(self._separator)
            if self._left < 0:
                raise self._refuse(PayloadTooLargeError(reason="more fields than allowed"))
            # A separator may lie across two chunks.
            overlap = len(self._separator) - 1
            self._tail = chunk[-overlap:] if overlap else b""
        return message
