"""Calls every route as somebody of another tenant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol, TypeAlias

from zenith.kernel.records import dataclass
from zenith.pipeline import RouteEntry, RouteTable

SAFE: Final = ("GET", "HEAD")
REFUSED: Final = 400
STRANGER: Final = 401
BROKEN: Final = 500
UNTRIED: Final = frozenset({"OPTIONS", "TRACE"})
_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
Route: TypeAlias = tuple[str, str]
"""Method, and path as it is called."""


class Client(Protocol):
    """Somebody who is signed in: `httpx.AsyncClient` is one."""

    async def request(self, method: str, url: str, *, json: Any = None) -> Any:
        """Send a request; what comes back has `status_code`, `text` and `headers`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What the other tenant got from one route."""

    method: str
    path: str
    status: int
    problem: str = ""
    """What should not have been; empty where nothing was wrong."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status} {self.problem}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingReport:
    """What all routes did."""

    crossings: tuple[Crossing, ...]
    untried: tuple[str, ...]
    """Routes with a parameter for which no value was given."""

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each route that let the other tenant through; empty if all is well."""
        return tuple(str(each) for each in self.crossings if each.problem)


async def cross_tenants(
    app: Any,
    *,
    own: Client,
    other: Client,
    parameters: Mapping[str, object],
    markers: Collection[str],
    bodies: Mapping[str, Any] | None = None,
) -> CrossingReport:
    """Run each route of `app` as another tenant, and say where it got through.

    Threat: the route that forgot its tenant (ASVS 8.4.1). `parameters` are path parameters that
    name objects of `own`'s tenant; `markers` are texts that only its data contains; `bodies` give
    JSON for routes that take some, by path. A route fails if `other` gets an answer for an object
    that is `own`'s or is not known there at all (nothing was tried then), if a marker shows up in
    any answer, if it answers with 5xx, or if `own` reads something else afterwards than before.
    Routes with objects come first, for among the others is the one that signs out. Of what `own`
    may do, only its reads are sent.
    """
    routes, untried = _routes_of(app, parameters)
    before = await _steady(own, [path for (method, path), _ in routes if method == "GET"])
    crossings = [
        await _cross(other, route, is_object=is_object, markers=markers, bodies=bodies or {})
        for route, is_object in routes
    ]
    for path, seen in before.items():
        now = await _data(own, path)
        if now != seen:
            problem = "its owner reads something else than before"
            crossings.append(Crossing(method="GET", path=path, status=now[0], problem=problem))
    return CrossingReport(crossings=tuple(crossings), untried=untried)


def _routes_of(
    app: Any, parameters: Mapping[str, object]
) -> tuple[list[tuple[Route, bool]], tuple[str, ...]]:
    """Each method of each route, and whether its path names an object: reading ones first, then
    those with objects.
    """
    found: list[tuple[Route, bool]] = []
    untried: list[str] = []
    for entry in RouteTable(app).walk():
        if entry.kind != "http" or entry.children is not None:
            continue
        named = _PARAMETER.findall(entry.path)
        if not all(name in parameters for name in named):
            untried += [f"{method} {entry.path}" for method in _methods(entry)]
            continue
        path = _PARAMETER.sub(lambda match: str(parameters[match[1]]), entry.path)
        found += [((method, path), bool(named)) for method in _methods(entry)]
    return sorted(found, key=lambda each: (each[0][0] not in SAFE, not each[1])), tuple(untried)


def _methods(entry: RouteEntry) -> list[str]:
    return sorted(entry.methods - UNTRIED)


async def _steady(client: Client, paths: Collection[str]) -> dict[str, tuple[int, str]]:
    """What each route tells, less those that tell something else each time."""
    found: dict[str, tuple[int, str]] = {}
    for path in paths:
        first, second = await _data(client, path), await _data(client, path)
        if first == second:
            found[path] = first
    return found


async def _data(client: Client, path: str) -> tuple[int, str]:
    """What a route tells programs: pages differ each time, by their nonces and tokens."""
    answer = await client.request("GET", path)
    is_data = "json" in answer.headers.get("content-type", "")
    return answer.status_code, answer.text if is_data else ""


async def _cross(
    other: Client,
    route: Route,
    *,
    is_object: bool,
    markers: Collection[str],
    bodies: Mapping[str, Any],
) -> Crossing:
    method, path = route
    answer = await other.request(method, path, json=bodies.get(path))
    status: int = answer.status_code
    shown = f"{answer.text}\n{answer.headers}"
    problem = ""
    if any(marker in shown for marker in markers):
        problem = "shows data of the tenant"
    elif status >= BROKEN:
        problem = "fails"
    elif is_object and status == STRANGER:
        problem = "does not know who calls"
    elif is_object and status < REFUSED:
        problem = "answers for an object of the tenant"
    return Crossing(method=method, path=path, status=status, problem=problem)
