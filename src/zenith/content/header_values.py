"""Values of HTTP headers that hold what others wrote."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from zenith.content.errors import ContentError

_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[ \t\x21-\x7e]*[\x21-\x7e])?)?")
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


def content_disposition(name: str) -> str:
    """`attachment` with a file name in two ways (RFC 6266, RFC 8187; ASVS 5.4.2).

    Threat: a file that opens in the page's origin instead of being saved, and a name that ends the
    value. Characters that are not plain ASCII are in the second way only.
    """
    plain = _UNQUOTED.sub("_", name)
    value = f'attachment; filename="{plain}"'
    if plain == name:
        return value
    encoded = quote(name.encode("utf-8", "replace"), safe=ATTR_CHAR)
    return f"{value}; filename*=UTF-8''{encoded}"
