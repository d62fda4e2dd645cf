"""The Forwarded header (RFC 7239), read from its end, where the nearest proxy has written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_TRIES: Final = 128
MAX_SIZE: Final = 4096
"""Characters at the end that are looked at; no chain of proxies writes more."""
_VALUE: Final = r'(?:[^\s;,"\\=]++|"(?:[^"\\]|\\.)*+")'
_PAIR: Final = rf"[!#$%&'*+.^_`|~0-9A-Za-z-]++={_VALUE}"
_SPACE: Final = r"[ \t]*+"
_ELEMENT: Final = re.compile(rf"{_SPACE}{_PAIR}(?:{_SPACE};{_SPACE}{_PAIR})*+{_SPACE};?{_SPACE}")
_PAIRS: Final = re.compile(rf"([^\s;=]++)=({_VALUE})")
_ESCAPED: Final = re.compile(r"\\(.)")


class Element(NamedTuple):
    """What one proxy says of the request that it received. Texts are empty where it says nothing,
    or the same thing twice.
    """

    client: str = ""
    """Who spoke to it: `for`."""
    proto: str = ""
    """By which scheme, in lower case."""
    host: str = ""
    """To which host."""


UNREADABLE: Final = Element()


def read_backwards(header: str) -> Iterator[Element]:
    """The elements of a Forwarded header from the last to the first.

    Threat: text that a client wrote, in this header or in what a proxy quotes of it (`host`), and
    that is taken for an element or a parameter of a proxy. A proxy appends, so whatever stands to
    the left may be malformed on purpose: a quote that is never closed must not swallow the elements
    behind it. Hence the shortest end of the text that is a whole element is one: an end that begins
    within a quoted text never is, for its quotes are uneven. Where no such end is found, the last
    thing given is an element that says nothing.
    """
    header = header[-MAX_SIZE:]
    end = start = len(header)
    tries = 0
    while end >= 0:
        start = header.rfind(",", 0, start)
        match = _ELEMENT.fullmatch(header, start + 1, end)
        tries += 1
        if match is not None:
            yield _element(header[start + 1 : end])
            end, tries = start, 0
        elif start < 0 or tries >= MAX_TRIES:
            yield UNREADABLE
            return


def _element(text: str) -> Element:
    found: dict[str, str] = {}
    for name, value in _PAIRS.findall(text):
        lowered = name.lower()
        if lowered in found:
            return UNREADABLE
        quoted = value.startswith('"')
        found[lowered] = _ESCAPED.sub(r"\1", value[1:-1]) if quoted else value
    return Element(found.get("for", ""), found.get("proto", "").lower(), found.get("host", ""))
