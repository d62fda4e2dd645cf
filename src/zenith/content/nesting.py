"""How deep HTML is nested, before anybody parses it."""

from __future__ import annotations

import re
from typing import Final

from zenith.content.errors import ContentError

FEW: Final = 1000
"""Angle brackets that need no look: parsing takes time by their square at worst."""
DEEPEST: Final = 100
FORMATTING_DEEPEST: Final = 30
MOST_CROSSED: Final = 50
MOST_ATTRIBUTES: Final = 1000
"""Of one tag, counting the words in their values."""
GAP: Final = 2 * MOST_ATTRIBUTES
"""Characters without a `>`, in which so many may be."""
_TAG: Final = re.compile(r"<(/?[a-zA-Z][^\s/>\0]*)")
_FORMATTING: Final = frozenset(
    (
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
        "u",
    )
)  # fmt: skip
# They hold nothing, or are ended by the next of their kind.
_FLAT_NAMES: Final = (
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
    "source", "track", "wbr", "p", "li", "dd", "dt", "option", "rp", "rt", "tbody", "thead",
    "tfoot", "tr", "td", "th",
)  # fmt: skip
_FLAT: Final = frozenset(
    form for name in _FLAT_NAMES for form in (name, name.upper(), "/" + name, "/" + name.upper())
)
_OPENS: Final = re.compile("<[a-zA-Z]")
_BETWEEN: Final = re.compile(r"(?<![\s/])[\s/]")
_NAME: Final = r"([a-z]++[1-6]?+)"
_ATTRIBUTES: Final = r'(?: [a-z]++="[^"<>]*+")*+'
# Elements that are closed as they should be, with nothing else than text and such elements within.
# Only what every parser reads alike: quotes that go on in another tag would hide its end.
_WHOLE: Final = re.compile(
    rf"<{_NAME}{_ATTRIBUTES}>[^<]*+(?:<{_NAME}{_ATTRIBUTES}>[^<]*+</\2>[^<]*+)*+</\1>"
)


def check_nesting(html: str) -> None:
    """Raise ContentError for HTML that costs far more time to parse than its length says.

    Threat: a parser kept busy for seconds by 100 KiB. What browsers do with elements that are left
    open, closed crosswise or given hundreds of attributes takes time by the square of their number
    (ASVS 2.2.1). Texts of few tags are not looked at, and what is closed as it should be is left
    out.
    """
    if len(html) < GAP:
        return
    if html.count("<") > FEW:
        html = _WHOLE.sub("", html)
    _check_attributes(html)
    tags = html.count("<")
    if tags > FEW:
        names = _TAG.findall(html)
        tags = len(names)
        _check_depth(names)
    # Those within quotes end no tag, and hide how long it is.
    if html.count(">") > tags + MOST_ATTRIBUTES:
        raise _tangled()


def _check_depth(tags: list[str]) -> None:
    stack: list[str] = []
    formatting = crossed = 0
    for tag in tags:
        if tag in _FLAT:
            continue
        name = tag.lower()
        if name[0] != "/":
            stack.append(name)
            formatting += name in _FORMATTING
            if len(stack) > DEEPEST or formatting > FORMATTING_DEEPEST:
                raise _tangled()
            continue
        name = name[1:]
        if not stack or name not in stack:
            continue
        if stack[-1] == name:
            stack.pop()
        else:
            crossed += 1
            if crossed > MOST_CROSSED:
                raise _tangled()
            del stack[-1 - stack[::-1].index(name)]
        formatting -= name in _FORMATTING


def _check_attributes(html: str) -> None:
    start, length = 0, len(html)
    while start + GAP < length:
        end = html.rfind(">", start, start + GAP)
        if end < 0:
            end = html.find(">", start) % (length + 1)  # to the end where there is none
            opens = _OPENS.search(html, start, end)
            if opens and len(_BETWEEN.findall(html, opens.start(), end)) > MOST_ATTRIBUTES:
                raise _tangled()
        start = end + 1


def _tangled() -> ContentError:
    return ContentError("HTML that is nested too deep", fault="too_deep")
