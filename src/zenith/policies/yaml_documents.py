"""YAML files, of which only what cannot be misread is taken.

Threat: a file whose reader sees something else than the program: aliases that grow without bound,
tags that make objects, a key given twice, `no` that is false and `010` that is eight (ASVS 1.5.2).
These are refused, as is everything that YAML 1.1 and 1.2 read in different ways. The tree is built
from the parser's events here, so that nothing else constructs objects, and depth is bounded.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from zenith.policies.documents import START, Document, Place, Places, number_from, refuse
from zenith.policies.errors import PolicyError
from zenith.policies.limits import MAX_FILE_DEPTH

_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WORDS: Final = re.compile(r"(?i)y|n|yes|no|on|off")
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
_ODD: Final = re.compile(
    r"(?i)[-+]?(?:0[0-9_]+(?:\.[0-9_]*)?|0[xbo][0-9a-f_]+|[0-9][0-9_]*_[0-9_.]*|\.inf)|\.nan|<<|="
    r"|[-+]?(?:\.[0-9]+|[0-9]+\.)|[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)e[-+]?[0-9]+"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
)
"""Octal, hexadecimal, sexagesimal, and powers of ten that the two write differently."""
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[Tt ].*)?")


@dataclass(slots=True)
class _Frame:
    """A mapping or a list that is being read."""

    value: dict[str, object] | list[object]
    places: Places
    key: str | None = None


def read_yaml(text: str) -> Document:
    """One YAML document of mappings with text keys, lists and values.

    Raises PolicyError with line and column, and where PyYAML is not installed.
    """
    try:
        yaml = importlib.import_module("yaml")
    except ModuleNotFoundError:
        raise PolicyError(
            "YAML files need PyYAML, which is not installed",
            fix="install zenith-security[policies], or write the policy in JSON",
        ) from None
    builder = _Builder(yaml)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = START if mark is None else _place(mark)
        problem = str(getattr(error, "problem", None) or "unreadable characters")
        raise refuse(f"no YAML: {problem}", "correct it", place) from None
    return Document(builder.value, builder.places)


class _Builder:
    """Makes the tree from events, in a loop: a deep file meets a limit, not the stack's end."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._frames: list[_Frame] = []
        self._documents = 0
        self.value: object = None
        self.places: dict[int, Places] = {}

    def take(self, event: Any) -> None:
        """The next event."""
        yaml, place = self._yaml, _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            _check(event, place, tag=not (event.implicit[0] or event.implicit[1]))
            self._scalar(event, place)
        elif isinstance(event, yaml.CollectionStartEvent):
            _check(event, place, tag=not event.implicit)
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._frames.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise refuse("aliases are refused", "write the part again", place)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1 or event.tags or event.version:
                raise refuse(
                    "directives and further documents are refused", "write one document", place
                )

    def _begin(self, value: dict[str, object] | list[object], place: Place) -> None:
        if len(self._frames) >= MAX_FILE_DEPTH:
            raise refuse("the file is too deep", f"at most {MAX_FILE_DEPTH} levels", place)
        self._put(value, place)
        places = self.places[id(value)] = {}
        self._frames.append(_Frame(value, places))

    def _scalar(self, event: Any, place: Place) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            if event.value in frame.value:
                raise refuse(f"{event.value!r:.50} is there twice", "keep one of them", place)
            frame.key = event.value
            frame.places[event.value] = place
        else:
            self._put(_resolve(event.value, place) if event.implicit[0] else event.value, place)

    def _put(self, value: object, place: Place) -> None:
        if not self._frames:
            self.value = value
            return
        frame = self._frames[-1]
        if isinstance(frame.value, list):
            frame.places[len(frame.value)] = place
            frame.value.append(value)
        elif frame.key is None:
            raise refuse("a key is no text", "write name: value", place)
        else:
            frame.value[frame.key] = value
            frame.key = None


def _resolve(text: str, place: Place) -> object:
    """What a text without quotes stands for."""
    if text in _NOTHING:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text):
        return number_from(text, place, whole=True)
    if _FLOAT.fullmatch(text):
        return number_from(text, place, whole=False)
    if _WORDS.fullmatch(text) or _ODD.fullmatch(text):
        raise refuse(
            f"`{text:.50}` means different things to different readers",
            "write true or false or a decimal number, or put the text in quotes",
            place,
        )
    found = _DATE.fullmatch(text)
    return text if found is None else _date(text, place, has_time=found["time"] is not None)


def _date(text: str, place: Place, *, has_time: bool) -> date:
    try:
        return datetime.fromisoformat(text) if has_time else date.fromisoformat(text)
    except ValueError:
        raise refuse(
            f"`{text:.50}` is no date",
            "write 2026-12-31 or 2026-12-31T18:00:00+01:00, or put the text in quotes",
            place,
        ) from None


def _check(event: Any, place: Place, *, tag: bool) -> None:
    if event.anchor is not None:
        raise refuse("anchors are refused", "write the part again where it is needed", place)
    if tag or event.tag is not None:
        raise refuse("tags are refused", "leave it out", place)


def _place(mark: Any) -> Place:
    return cast(int, mark.line) + 1, cast(int, mark.column) + 1
