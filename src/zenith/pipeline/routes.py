"""What the routes of an application declare, looked up before the application runs.

The table only reads: the framework still dispatches. A route that the table and the framework see
differently stays protected, because declarations enforce themselves where the handler is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from re import Pattern
from typing import Any, Final, Literal, TypeAlias, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Host, Match, Mount

from zenith.pipeline.exchange import Scope
from zenith.pipeline.marks import Mark, marks_of

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
    regex: Pattern[str] | None = None
    route: Any = None
    """What matches the mount or host."""
    max_body_size: int | None = None
    """Bytes of a body that FastAPI allows on this very route, where it names a figure."""
    children: RouteTable | None = None
    """The table behind a mount, where the mounted application shows its routes."""

    def accepts(self, kind: str, method: str) -> bool:
        """Whether the route serves requests of this kind and method."""
        return self.kind == kind and (not self.methods or method in self.methods)


class RouteTable:
    """Finds the route of a request: a look-up for fixed paths, few patterns for the others."""

    __slots__ = ("_dynamic", "_fixed", "_signature", "_source", "entries")

    def __init__(self, source: Any, *, prefix: str = "") -> None:
        self._source: Final = source
        self._signature = signature_of(source)
        self.entries: Final = tuple(_entries(source, prefix))
        self._fixed: Final[dict[str, list[RouteEntry]]] = {}
        self._dynamic: Final[dict[str, list[RouteEntry]]] = {}
        for entry in self.entries:
            self._file(entry, entry.path[len(prefix) :])

    def _file(self, entry: RouteEntry, path: str) -> None:
        if entry.kind in ("http", "websocket") and "{" not in path:
            self._fixed.setdefault(path, []).append(entry)
            return
        first = path[1:].partition("/")[0] if entry.kind != "host" else "{"
        self._dynamic.setdefault("" if "{" in first or not first else first, []).append(entry)

    def is_current(self) -> bool:
        """Whether no route was added since the table was made."""
        return self._signature == signature_of(self._source)

    def find(self, scope: Scope) -> RouteEntry | None:
        """The entry that will serve `scope`, or None where the framework will answer 404 or 405."""
        path = route_path(scope)
        kind, method = scope["type"], scope.get("method", "GET")
        # A framework's pattern ends in `$`, which also matches before one last line feed.
        fixed = self._fixed.get(path[:-1] if path.endswith("\n") else path)
        found = None
        if fixed is not None:
            found = next((entry for entry in fixed if entry.accepts(kind, method)), None)
        for entry in self._candidates(path):
            if found is not None and entry.order > found.order:
                break
            match = _match(entry, scope, path, kind, method)
            if match is not None:
                return match
        return found

    def _candidates(self, path: str) -> Sequence[RouteEntry]:
        named = self._dynamic.get(path[1:].partition("/")[0], [])
        free = self._dynamic.get("", [])
        if not named or not free:
            return named or free
        return sorted((*named, *free), key=_order)

    def walk(self) -> Iterator[RouteEntry]:
        """Every entry, those behind mounts included."""
        for entry in self.entries:
            yield entry
            if entry.children is not None:
                yield from entry.children.walk()


def _order(entry: RouteEntry) -> int:
    return entry.order


def _match(entry: RouteEntry, scope: Scope, path: str, kind: str, method: str) -> RouteEntry | None:
    if entry.regex is not None:
        accepted = entry.accepts(kind, method) and entry.regex.match(path) is not None
        return entry if accepted else None
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


def signature_of(source: Any) -> tuple[int, ...]:
    """A cheap figure that changes when a route is added to the application."""
    routes = routes_of(source)
    nested = [
        signature_of(router)
        for route in routes
        if (router := getattr(route, "original_router", None)) is not None
    ]
    return (len(routes), *chain.from_iterable(nested))


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
    for context in iter_route_contexts(routes_of(source)):
        yield _entry(context, prefix, order)
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


def _entry(context: RouteContext, prefix: str, order: int) -> RouteEntry:
    original = context.original_route
    endpoint = context.endpoint
    path = prefix + (context.path or "")
    marks = marks_of(endpoint)
    dependant = getattr(context, "dependant", None)
    if isinstance(dependant, Dependant):
        marks = (*marks, *_dependant_marks(dependant))
    if isinstance(original, (Mount, Host)):
        return _mount(context, original, path or prefix, order)
    kind: RouteKind = "websocket" if "WebSocket" in type(original).__name__ else "http"
    regex = getattr(context, "path_regex", None)
    return RouteEntry(
        kind=kind if regex is not None else "unknown",
        path=path,
        methods=frozenset(context.methods or ()) if kind == "http" else frozenset(),
        endpoint=endpoint,
        marks=marks,
        order=order,
        regex=regex,
        max_body_size=getattr(context, "max_body_size", None),
    )


def _mount(context: Any, original: Mount | Host, path: str, order: int) -> RouteEntry:
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
        route=context,
        children=children,
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
