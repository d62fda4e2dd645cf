"""How deep HTML is nested, and how much of it is copied, before anybody parses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from zenith.content.errors import ContentError

SHORT: Final = 2000
"""Characters that need no look: parsing takes time, and writes text, by their square at worst."""
FEW: Final = 1000
"""Tags outside of whole elements whose nesting needs no look."""
DEEPEST: Final = 100
FORMATTING_DEEPEST: Final = 30
MOST_CROSSED: Final = 50
MOST_ATTRIBUTES: Final = 1000
"""Of one tag."""
MOST_COPIED: Final = 8_000_000
"""Characters that may come of formatting that is left open, at worst."""
COPY: Final = 64
"""What a copy costs beside its text, in characters."""
MOST_ESCAPED: Final = 60_000
"""Signs of one text that are written as entities by a method that looks at all before each."""
_FORMATTING: Final = frozenset(
    (
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
        "u",
    )
)  # fmt: skip
# They hold nothing, or are ended by the next of their kind.
_FLAT: Final = frozenset(
    (
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr", "p", "li", "dd", "dt", "option", "rp", "rt", "tbody", "thead",
        "tfoot", "tr", "td", "th",
    )
)  # fmt: skip
_AMBIGUOUS: Final = frozenset(("svg", "math", "select", "template"))
"""Behind them it takes a parser to say whether what follows another tag is text or markup."""
# The words of the HTML standard, section 13.2.5. What never ends goes to the end of the text.
_SPACE: Final = r"\t\n\f\r "
_ATTRIBUTE: Final = re.compile(
    rf"[^{_SPACE}/>][^{_SPACE}/>=]*+"
    rf"(?:[{_SPACE}]*+=[{_SPACE}]*+"
    rf"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^{_SPACE}>\"'][^{_SPACE}>]*+|(?=>)))?+"
)
_REST: Final = rf"(?:[{_SPACE}/]++|{_ATTRIBUTE.pattern})*+(?:>|\Z)"
_NAME: Final = "([a-z0-9]++)"
_PLAIN: Final = r'(?: [a-z]++="[^"]*+"){0,20}+'
# Elements that are closed as they should be, with nothing else than text and such elements within.
_WHOLE: Final = rf"<{_NAME}{_PLAIN}>[^<]*+(?:<{_NAME}{_PLAIN}>[^<]*+</\2>[^<]*+)*+</\1>"
_TOKEN: Final = re.compile(
    rf"(?:{_WHOLE}[^<]*+)++"
    r"|<(?P<raw>(?i:title|textarea|style|script|xmp|iframe|noembed|noframes|noscript))"
    rf"(?=[{_SPACE}/>]){_REST}(?P<text>.*?)(?=</(?i:(?P=raw))[{_SPACE}/>]|\Z)"
    rf"|<(?P<tag>/?[a-zA-Z][^{_SPACE}/>]*+){_REST}"
    r"|<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(?P<other>!\[CDATA\[|[!?/])[^>]*+(?:>|\Z)",
    re.DOTALL,
)
_OPEN: Final = re.compile(r"<([a-zA-Z][^\s/>]*)[^<]*")


def check_nesting(html: str) -> None:
    """Raise ContentError for HTML that costs far more to parse than its length says.

    Threat: a parser kept busy for seconds by 100 KiB, or that writes gigabytes of it. What browsers
    do with elements that are left open, closed crosswise or given hundreds of attributes takes time
    by the square of their number; formatting that is left open is written again, with its
    attributes, in each paragraph that follows (ASVS 2.2.1). What is closed as it should be is
    skipped, and short texts are not looked at.
    """
    if len(html) < SHORT:
        return
    if len(html) > MOST_ESCAPED and _escaped(html) > MOST_ESCAPED:
        raise _tangled()
    opened: _Open | None = None
    for number, (tag, start, end) in enumerate(_tags(html)):
        name = tag.lower()
        if name[0] == "/":
            if opened is not None:
                opened.close(name[1:], start)
        elif name not in _FLAT:
            opened = opened or _Open(html)
            opened.add(name, start, end)
        if opened is not None and number > FEW:
            opened.check()
    if opened is not None:
        opened.copy(len(html))


class _Open:
    """The elements that are open, as far as tags alone tell."""

    def __init__(self, html: str) -> None:
        self._html: Final = html
        self._names: list[str] = []
        self._costs: list[int] = []
        self._formatting = self._cost = self._crossed = self._copied = self._at = 0

    def add(self, name: str, start: int, end: int) -> None:
        """Open `name`, whose tag stands there."""
        self.copy(start)
        cost = COPY + end - start if name in _FORMATTING else 0
        self._names.append(name)
        self._costs.append(cost)
        self._formatting += cost > 0
        self._cost += cost

    def close(self, name: str, at: int) -> None:
        """Close the last `name` that is open."""
        if name in _FLAT or name not in self._names:
            return
        self.copy(at)
        last = len(self._names) - 1 - self._names[::-1].index(name)
        self._crossed += last != len(self._names) - 1
        del self._names[last]
        cost = self._costs.pop(last)
        self._formatting -= cost > 0
        self._cost -= cost

    def check(self) -> None:
        """Raise ContentError where they lie too deep, or cross each other too often."""
        is_deep = len(self._names) > DEEPEST or self._formatting > FORMATTING_DEEPEST
        if is_deep or self._crossed > MOST_CROSSED:
            raise _tangled()

    def copy(self, at: int) -> None:
        """Each tag up to there may begin a paragraph in which all formatting is written again."""
        if self._cost:
            self._copied += self._cost * self._html.count("<", self._at, at)
            if self._copied > MOST_COPIED:
                raise _tangled()
        self._at = at


def _tags(html: str) -> Iterator[tuple[str, int, int]]:
    """Name, beginning and end of each tag outside of whole elements, `/` before the name of one
    that closes.
    """
    is_ambiguous = False
    for found in _TOKEN.finditer(html):
        raw, text, tag, other = found.group("raw", "text", "tag", "other")
        name = tag or raw
        end = found.start("text") if raw else found.end()
        if name is not None:
            if end - found.start() > SHORT:
                _check_attributes(html, found.start() + len(name) + 1, end)
            yield name, found.start(), end
            is_ambiguous = is_ambiguous or name.lower() in _AMBIGUOUS
        is_escaped = raw is not None and raw.lower() == "script" and "<!--" in text
        if is_escaped or (is_ambiguous and (other == "![CDATA[" or (raw and "<" in text))):
            # Where it cannot be said what is an end, none is believed any more.
            for each in _OPEN.finditer(html, end):
                yield each[1], each.start(), each.end()
            return


def _escaped(html: str) -> int:
    return html.count("&") + (0 if html.isascii() else html.count("\xa0"))


def _check_attributes(html: str, start: int, end: int) -> None:
    if len(_ATTRIBUTE.findall(html, start, end)) > MOST_ATTRIBUTES:
        raise _tangled()


def _tangled() -> ContentError:
    return ContentError("HTML that is nested too deep", fault="too_deep")
