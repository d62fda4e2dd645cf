"""Narrows the routes of an application down to the few that may serve a path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from starlette.convertors import CONVERTOR_TYPES
from starlette.routing import PARAM_REGEX

if TYPE_CHECKING:
    from zenith.pipeline.routes import RouteEntry


class RouteIndex:
    """Which entries may match a path, in the order in which the framework would try them.

    Entries are filed below the part of their path that is fixed, up to the first parameter. What
    lies below one such part is put together beforehand with what lies above it, so that a path
    costs as many look-ups as the deepest of these parts has segments, however many routes there
    are and whatever the path looks like.
    """

    __slots__ = ("_all", "_below", "_depth", "_fixed")

    def __init__(self, entries: Iterable[RouteEntry], *, prefix: str) -> None:
        own: dict[str, list[RouteEntry]] = {"": []}
        fixed: dict[str, list[RouteEntry]] = {}
        self._all: Final = tuple(entries)
        for entry in self._all:
            path = entry.path[len(prefix) :]
            if _is_fixed(entry, path):
                fixed.setdefault(path, []).append(entry)
            else:
                own.setdefault(_fixed_part(entry, path), []).append(entry)
        self._depth: Final = max(part.count("/") for part in own)
        self._below: Final = {part: _ordered(own, part) for part in own}
        self._fixed: Final = {
            path: tuple(sorted((*entries, *self._find_below(path)), key=_order))
            for path, entries in fixed.items()
        }

    def candidates(self, path: str) -> Sequence[RouteEntry]:
        """What may serve `path`; nothing else does."""
        found = self._fixed.get(path)
        if found is not None:
            return found
        # A framework's pattern ends in `$`, which also matches before one last line feed.
        return self._all if path.endswith("\n") else self._find_below(path)

    def _find_below(self, path: str) -> tuple[RouteEntry, ...]:
        # Most parameters are the last segment; everything but a fixed path has one below its part.
        found = self._below.get(path[: path.rfind("/")])
        if found is not None:
            return found
        segments = path.split("/", self._depth + 1)
        for count in range(len(segments) - 1, 1, -1):
            found = self._below.get("/".join(segments[:count]))
            if found is not None:
                return found
        return self._below[""]


def _ordered(own: dict[str, list[RouteEntry]], part: str) -> tuple[RouteEntry, ...]:
    """What is filed at `part` and above it."""
    segments = part.split("/")
    above = ("/".join(segments[:count]) for count in range(1, len(segments) + 1))
    return tuple(sorted((entry for each in above for entry in own.get(each, ())), key=_order))


def _order(entry: RouteEntry) -> int:
    return entry.order


def _is_fixed(entry: RouteEntry, path: str) -> bool:
    """Whether the entry matches its own path and no other."""
    return "{" not in path and _is_usual(entry, path)


def _fixed_part(entry: RouteEntry, path: str) -> str:
    """Whole segments with which every path that the entry matches begins."""
    if entry.kind == "mount" and "{" not in path:
        return path.rstrip("/")
    if not _is_usual(entry, path):
        return ""
    return path.partition("{")[0].rpartition("/")[0]


def _is_usual(entry: RouteEntry, path: str) -> bool:
    """Whether the entry's pattern is what the framework makes of the path, written out here again
    because `compile_path` takes as long for each route as making the route.
    """
    regex = entry.regex
    if regex is None or regex.flags != re.UNICODE:
        return False
    parts, end = ["^"], 0
    for match in PARAM_REGEX.finditer(path):
        name, kind = match.groups("str")
        convertor = CONVERTOR_TYPES.get(kind.lstrip(":"))
        if convertor is None:
            return False
        parts += (re.escape(path[end : match.start()]), f"(?P<{name}>{convertor.regex})")
        end = match.end()
    return regex.pattern == "".join((*parts, re.escape(path[end:]), "$"))
