"""What the routes of an application declare, looked up before the application runs.

The table only reads; see RouteDispatch for how a decided route is called. A route that the table
and the framework see differently stays protected, because declarations enforce themselves where
the handler is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, Final, Literal, TypeAlias, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import (
    APIRoute,
    APIRouter,
    APIWebSocketRoute,
    iter_route_contexts,
)
from starlette.routing import BaseRoute, Host, Match, Mount, Route, WebSocketRoute

from zenith.kernel.records import dataclass
from zenith.pipeline.exchange import Scope
from zenith.pipeline.handlers import Handler, handler_of
from zenith.pipeline.marks import Mark, marks_of
from zenith.pipeline.route_index import RouteIndex

ORDINARY_MATCHES: Final = frozenset(
    kind.matches for kind in (Route, APIRoute, WebSocketRoute, APIWebSocketRoute, Mount)
)
ORDINARY_CALLS: Final = frozenset({Route.handle, APIRoute.handle})
MAX_RECENT: Final = 1024
MAX_PATH: Final = 256
RouteKind: TypeAlias = Literal["http", "websocket", "mount", "host", "frontend", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One route as it will be reached: its whole path and everything declared for it."""

    kind: RouteKind
    path: str
    methods: frozenset[str]
    endpoint: Any
    marks: tuple[Mark, ...]
    """The endpoint's marks, then those of its dependencies, from the router inwards."""
    order: int
    regex: re.Pattern[str] | None = None
    route: Any = None
    """What matches the mount or host."""
    max_body_size: int | None = None
    """Bytes of a body that FastAPI allows on this very route, where it names a figure."""
    children: RouteTable | None = None
    """The table behind a mount, where the mounted application shows its routes."""
    listed: BaseRoute | None = None
    """The member of the application's own list of routes that it was found in, where that may be
    called without asking those before it."""
    position: int = -1
    """Where `listed` stands in that list."""
    is_direct: bool = False
    """Whether `listed` is the route itself and serves what `regex` matches, so that its application
    may be called without asking it again."""
    dependant: Dependant | None = None
    """What FastAPI solves before it calls the endpoint."""
    answers: Any = None
    """The type of what the endpoint answers, where FastAPI knows of one."""

    found: list[Handler | None] = field(default_factory=list, repr=False, compare=False)
    """The handler, once it was looked for."""

    def handler(self) -> Handler | None:
        """FastAPI's handler, where nothing but the framework's own stands around it.

        It is looked for when the route is first called, which spares the start the looking.
        """
        found = self.found
        if not found:
            found.append(handler_of(self.listed) if self.is_direct else None)
        return found[0]


class _Place:
    """Where a list of routes has one that may be called without asking those before it."""

    __slots__ = ("_regex", "listed", "position")

    def __init__(self, listed: BaseRoute | None = None, position: int = -1) -> None:
        self.listed: Final = listed
        self.position: Final = position
        calls = isinstance(listed, Route) and type(listed).handle in ORDINARY_CALLS
        self._regex: Final = listed.path_regex if calls and isinstance(listed, Route) else None

    def is_direct(self, regex: re.Pattern[str] | None) -> bool:
        """Whether what is listed is the route itself."""
        return regex is not None and regex is self._regex


NOWHERE: Final = _Place()
Found: TypeAlias = tuple[RouteEntry | None, re.Match[str] | None]


class RouteTable:
    """Finds the route of a request by an index, however many routes there are."""

    __slots__ = ("_count", "_index", "_lists", "_recent", "_source", "entries")

    def __init__(self, source: Any, *, prefix: str = "") -> None:
        self._source: Final = source
        self._lists: Final = tuple(_lists_of(source))
        self._count: Final = sum(map(len, self._lists))
        self.entries: Final = tuple(_entries(source, prefix))
        self._index: Final = RouteIndex(self.entries, prefix=prefix)
        self._recent: Final[dict[tuple[str, str, str, str], Found]] = {}
        """What pattern served which path of late: paths that are hot are not matched anew."""

    def is_current(self) -> bool:
        """Whether no route was added since the table was made."""
        lists = self._lists
        if lists and self._source.routes is not lists[0]:
            return False
        return sum(map(len, lists)) == self._count

    def find(self, scope: Scope) -> RouteEntry | None:
        """The entry that will serve `scope`, or None where the framework will answer 404 or 405."""
        return self.search(scope)[0]

    def search(self, scope: Scope) -> Found:
        """The same with how the path matched, where the entry has a pattern."""
        key = (scope["type"], scope.get("method", "GET"), scope["path"], scope.get("root_path", ""))
        found = self._recent.get(key)
        if found is None:
            found = self._search(scope)
            entry, match = found
            # Only where kind, path and method alone decide: a host may take the path of a route.
            if (
                match is not None
                and entry is not None
                and entry.listed is not None
                and len(key[2]) <= MAX_PATH
            ):
                if len(self._recent) >= MAX_RECENT:
                    self._recent.clear()
                self._recent[key] = found
        return found

    def _search(self, scope: Scope) -> Found:
        path = route_path(scope)
        kind, method = scope["type"], scope.get("method", "GET")
        for entry in self._index.candidates(path):
            if entry.regex is None:
                found = _match(entry, scope)
                if found is not None:
                    return found, None
            elif entry.kind == kind and (not entry.methods or method in entry.methods):
                match = entry.regex.match(path)
                if match is not None:
                    return entry, match
        return None, None

    def methods(self, scope: Scope) -> frozenset[str]:
        """By which methods the path of `scope` is served, by whichever routes."""
        path = route_path(scope)
        served: list[frozenset[str]] = []
        for entry in self._index.candidates(path):
            if entry.regex is not None:
                if entry.kind == "http" and entry.regex.match(path):
                    served.append(entry.methods)
            elif entry.children is not None:
                match, child = entry.route.matches(scope)
                if match is Match.FULL:
                    served.append(entry.children.methods({**scope, **child}))
                    break
        return frozenset[str]().union(*served)

    def walk(self) -> Iterator[RouteEntry]:
        """Every entry, those behind mounts included."""
        for entry in self.entries:
            yield entry
            if entry.children is not None:
                yield from entry.children.walk()


def _match(entry: RouteEntry, scope: Scope) -> RouteEntry | None:
    """What a mount or a host makes of the request."""
    if entry.route is None:
        return entry if entry.kind == "mount" else None
    match, child = entry.route.matches(scope)
    if match is not Match.FULL:
        return None
    if entry.children is None:
        return entry
    return entry.children.find({**scope, **child}) or entry


def route_path(scope: Scope) -> str:
    """The path below the application's mount point, as Starlette's router sees it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if not root or not path.startswith(root):
        return path
    rest = path[len(root) :]
    return rest if not rest or rest[0] == "/" else path


def routes_of(source: Any) -> list[BaseRoute]:
    """The routes that an application or router shows, none for an opaque ASGI callable."""
    routes = getattr(source, "routes", None)
    return list(cast("list[BaseRoute]", routes)) if isinstance(routes, list) else []


def _lists_of(source: Any) -> Iterator[list[BaseRoute]]:
    """The lists that routes are added to: the application's and those of included routers."""
    routes = getattr(source, "routes", None)
    if isinstance(routes, list):
        known = cast("list[BaseRoute]", routes)
        yield known
        for route in known:
            yield from _lists_of(getattr(route, "original_router", None))


def _entries(source: Any, prefix: str) -> Iterator[RouteEntry]:
    order = 0
    if not isinstance(getattr(source, "routes", None), list):
        yield RouteEntry(
            kind="mount",
            path=prefix or "/",
            methods=frozenset(),
            endpoint=source,
            marks=marks_of(source),
            order=order,
        )
        return
    ordinary = True
    for position, listed in enumerate(routes_of(source)):
        ordinary = ordinary and _is_ordinary(listed)
        place = _Place(listed, position) if ordinary else NOWHERE
        for route in _seen(listed):
            yield _entry(route, prefix, order, place)
            order += 1
    for route in _frontends(getattr(source, "router", source)):
        yield RouteEntry(
            kind="frontend",
            path=prefix + getattr(route, "frontend_prefix", "") or "/",
            methods=frozenset(),
            endpoint=route,
            marks=_dependant_marks(route.dependant),
            order=order,
        )
        order += 1


def _seen(listed: BaseRoute) -> Iterator[Any]:
    """The routes that a member of a list stands for, as FastAPI sees them: itself, or those of a
    router that was included, with what they have from there.
    """
    return (
        iter((listed,))
        if getattr(listed, "original_router", None) is None
        else (iter(iter_route_contexts([listed])))
    )


def declaring_routes(source: Any) -> Iterator[Any]:
    """Every route that declares what it takes (`dependant`), as FastAPI sees it, those of included
    routers and behind mounts too. A table of them is more, and takes longer to make.
    """
    for listed in routes_of(source):
        for route in _seen(listed):
            if isinstance(getattr(route, "dependant", None), Dependant):
                yield route
            if isinstance(listed, (Mount, Host)):
                yield from declaring_routes(listed)


def _is_ordinary(route: BaseRoute) -> bool:
    """Whether the route, and all that it includes, matches by kind, path and method alone."""
    router = getattr(route, "original_router", None)
    if router is None:
        return type(route).matches in ORDINARY_MATCHES
    return type(router).matches is APIRouter.matches and all(map(_is_ordinary, router.routes))


def _entry(route: Any, prefix: str, order: int, place: _Place) -> RouteEntry:
    original = getattr(route, "original_route", route)
    endpoint = getattr(route, "endpoint", None)
    path = prefix + (getattr(route, "path", None) or "")
    marks = marks_of(endpoint)
    found = getattr(route, "dependant", None)
    dependant = found if isinstance(found, Dependant) else None
    if dependant is not None and dependant.dependencies:
        marks = (*marks, *_dependant_marks(dependant))
    if isinstance(original, (Mount, Host)):
        return _mount(route, original, path or prefix, order, place)
    kind: RouteKind = "websocket" if "WebSocket" in type(original).__name__ else "http"
    regex = getattr(route, "path_regex", None)
    methods = getattr(route, "methods", None) if kind == "http" else None
    return RouteEntry(
        kind=kind if regex is not None else "unknown",
        path=path,
        methods=frozenset(methods or ()),
        endpoint=endpoint,
        marks=marks,
        order=order,
        regex=regex,
        max_body_size=getattr(route, "max_body_size", None),
        dependant=dependant,
        answers=getattr(route, "response_model", None),
        listed=place.listed,
        position=place.position,
        is_direct=place.is_direct(regex),
    )


def _mount(route: Any, original: Mount | Host, path: str, order: int, place: _Place) -> RouteEntry:
    app = original.app
    marks = marks_of(app)
    shown = routes_of(original)
    children = RouteTable(original, prefix=path) if shown and not marks else None
    return RouteEntry(
        kind="host" if isinstance(original, Host) else "mount",
        path=path or "/",
        methods=frozenset(),
        endpoint=app,
        marks=marks,
        order=order,
        route=route,
        children=children,
        listed=place.listed,
        position=place.position,
    )


def _dependant_marks(dependant: Dependant) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for dependency in dependant.dependencies:
        marks += marks_of(dependency.call)
        marks += _dependant_marks(dependency)
    return tuple(marks)


def _frontends(router: Any) -> Iterator[Any]:
    """What FastAPI serves where no route matches, from included routers too."""
    found: Callable[[], Iterator[Any]] | None = getattr(router, "_iter_low_priority_routes", None)
    return iter(()) if found is None else found()
