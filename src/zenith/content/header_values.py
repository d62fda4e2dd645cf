"""Values of HTTP headers that hold what others wrote."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from zenith.content.characters import HIDDEN
from zenith.content.errors import ContentError

_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[ \t\x21-\x7e]*[\x21-\x7e])?)?")
_MEDIA_TYPE: Final = re.compile(
    r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}"
    r"(?:[ \t]*;[ \t]*[\w!#$&^.+-]{1,127}=(?:[\w!#$&^.+-]{1,127}|\"[\w !#-\[\]-~]{0,127}\"))*",
    re.ASCII,
)
_FOLDERS: Final = re.compile(rf"[/\\\t\r\n]|{HIDDEN.pattern}")
_UNQUOTED: Final = re.compile(r'[^ !#-\[\]-~]|[%"\\]')
ATTR_CHAR: Final = "!#$&+-.^_`|~"
"""What stays as it is in an extended value, beside letters and digits (RFC 8187)."""


def header_value(text: str) -> str:
    """`text` if it is one value of a header (RFC 9110 section 5.5), in ASCII.

    Threat: a line end that begins a header or a body of the sender's own (ASVS 1.2.1). Raises
    ContentError; nothing is removed, since what is left would mean something else.
    """
    if not _VALUE.fullmatch(text):
        raise ContentError("Text that is no value of a header", fault="header_value")
    return text


def media_type(text: str) -> str:
    """`text` if it is a type of media, perhaps with parameters (RFC 9110 section 8.3.1).

    Threat: a type that is none, which browsers take for whatever the content looks like (ASVS
    4.1.1). Raises ContentError.
    """
    if not _MEDIA_TYPE.fullmatch(text):
        raise ContentError("Text that is no media type", fault="media_type")
    return text


def content_disposition(name: str) -> str:
    """`attachment` with a file name in two ways (RFC 6266, RFC 8187; ASVS 5.4.2).

    Threat: a file that opens in the page's origin instead of being saved, a name that ends the
    value, one that is a path, and one that is shown in another order than it is read. What parts
    folders, and what cannot be seen, becomes `_`. Characters that are not plain ASCII are in the
    second way only.
    """
    name = _FOLDERS.sub("_", name)
    plain = _UNQUOTED.sub("_", name)
    value = f'attachment; filename="{plain}"'
    if plain == name:
        return value
    encoded = quote(name, safe=ATTR_CHAR)
    return f"{value}; filename*=UTF-8''{encoded}"
