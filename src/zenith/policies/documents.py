"""What a file holds, and on which line and column each of its parts stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Final, TypeAlias, cast

from zenith.kernel.records import dataclass
from zenith.policies.errors import Path, PolicyError
from zenith.policies.limits import MAX_DIGITS, MAX_FILE_DEPTH

Place: TypeAlias = tuple[int, int]
"""Line and column, from 1."""
Places: TypeAlias = dict[str | int, Place]
START: Final[Place] = (1, 1)
_TEXTS: Final = JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<power>[eE][-+]?[0-9]+)?"
)
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Document:
    """Mappings, lists and values; and where they stand."""

    value: object
    places: Mapping[int, Places]
    """By the `id` of each mapping and list, which `value` keeps alive: the places of its parts."""

    def place_of(self, path: Path) -> Place:
        """Where the part stands that `path` leads to, or the last one on the way that is there."""
        place, value = START, self.value
        for key in path:
            places = self.places.get(id(value), {})
            if key not in places:
                break
            place = places[key]
            value = cast(dict[str | int, object], value)[key]
        return place


def refuse(problem: str, fix: str, place: Place) -> PolicyError:
    """An error at a place of the file."""
    return PolicyError(problem, fix=fix, line=place[0], column=place[1])


def number_from(text: str, place: Place, *, whole: bool) -> int | float:
    """The number that `text`, in decimal, stands for; refuses those that only look like one."""
    if len(text) > MAX_DIGITS:
        raise refuse("the number is too long", f"at most {MAX_DIGITS} digits", place)
    number = int(text) if whole else float(text)
    if not isfinite(number):
        raise refuse("the number is too large", "write it as an integer", place)
    return number


def read_json(text: str) -> Document:
    """JSON (RFC 8259) without the ambiguous: names are unique, there is no NaN.

    Raises PolicyError with line and column.
    """
    reader = _Json(text)
    return Document(reader.read(), reader.places)


class _Json:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._line, self._start, self._seen = 1, 0, 0
        """The line of the last place that was asked for, where it begins, and that place."""
        self.places: dict[int, Places] = {}

    def read(self) -> object:
        value = self._value()
        if self._next():
            raise refuse("there is something after the end", "remove it", self._place())
        return value

    def _value(self) -> object:
        match self._next():
            case "{":
                return self._nested(self._mapping)
            case "[":
                return self._nested(self._list)
            case '"':
                return self._string()
            case _:
                return self._plain()

    def _nested(self, read: Callable[[], object]) -> object:
        self._depth += 1
        if self._depth > MAX_FILE_DEPTH:
            raise refuse("the file is too deep", f"at most {MAX_FILE_DEPTH} levels", self._place())
        self._at += 1
        value = read()
        self._at += 1
        self._depth -= 1
        return value

    def _mapping(self) -> dict[str, object]:
        found: dict[str, object] = {}
        places = self.places[id(found)] = {}
        while self._more("}", first=not found):
            if self._next() != '"':
                raise refuse("a name is missing", 'write "name": value', self._place())
            place = self._place()
            key = self._string()
            if key in found:
                raise refuse(f"{key!r:.50} is there twice", "keep one of them", place)
            if self._next() != ":":
                raise refuse("a colon is missing", 'write "name": value', self._place())
            self._at += 1
            places[key] = place
            found[key] = self._value()
        return found

    def _list(self) -> list[object]:
        found: list[object] = []
        places = self.places[id(found)] = {}
        while self._more("]", first=not found):
            self._next()
            places[len(found)] = self._place()
            found.append(self._value())
        return found

    def _more(self, end: str, *, first: bool) -> bool:
        """Whether another part follows; what stands between parts is skipped."""
        character = self._next()
        if character == end:
            return False
        if not first:
            if character != ",":
                raise refuse(f"a comma or `{end}` is missing", "add it", self._place())
            self._at += 1
        return True

    def _string(self) -> str:
        try:
            value, self._at = _TEXTS.raw_decode(self._text, self._at)
        except JSONDecodeError as error:
            raise refuse(error.msg, "correct the text", (error.lineno, error.colno)) from None
        return cast(str, value)

    def _plain(self) -> object:
        number = _NUMBER.match(self._text, self._at)
        if number is not None:
            place, self._at = self._place(), number.end()
            whole = number["fraction"] is None and number["power"] is None
            return number_from(number[0], place, whole=whole)
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        raise refuse("a value is missing", "write one, text in double quotes", self._place())

    def _next(self) -> str:
        """The next character that is no space, or nothing at the end."""
        found = _SPACE.match(self._text, self._at)
        self._at = self._at if found is None else found.end()
        return self._text[self._at : self._at + 1]

    def _place(self) -> Place:
        lines = self._text.count("\n", self._seen, self._at)
        if lines:
            self._line += lines
            self._start = self._text.rindex("\n", self._seen, self._at) + 1
        self._seen = self._at
        return self._line, self._at - self._start + 1
