"""May they? Decides what the route declares, before the body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from zenith.authorization.access import Access, Further, accesses
from zenith.authorization.answers import Masked
from zenith.authorization.check import UncheckedObjects, check_objects, check_routes
from zenith.authorization.listing import ChecksObjects
from zenith.authorization.routes import plan_of
from zenith.pipeline.exchange import Exchange
from zenith.pipeline.guard import Guard
from zenith.pipeline.marks import Mark
from zenith.pipeline.routes import RouteTable
from zenith.pipeline.stage import Stage

NOTHING: Final[Mapping[str, Access]] = MappingProxyType({})


class AuthorizationGuard(Guard):
    """Enforces access declarations and refuses to start where one is missing.

    Threat: broken access control (ASVS 8.2.1, 8.3.1): a route left open by forgetting, a body that
    is read, and paid for, on behalf of somebody who may not send it.

    `declared` gives the access of routes that cannot be decorated, by path, such as a framework's
    own `/docs`. `refuse_undeclared` decides whether an undeclared route refuses the start (always
    in production) or is only warned of. `factors` are those that the application can ask for: a
    route that requires another one refuses the start; None leaves that unchecked.
    `unchecked_objects` says what becomes of routes whose path names an object about which nothing
    is decided: the start warns of them, refuses, or is silent.
    """

    stage: ClassVar[Stage] = Stage.AUTHORIZATION
    consumes: ClassVar[tuple[type, ...]] = (Access, Masked, ChecksObjects)

    def __init__(
        self,
        *,
        declared: Mapping[str, Access] = NOTHING,
        refuse_undeclared: bool = True,
        factors: Collection[str] | None = None,
        unchecked_objects: UncheckedObjects = "warn",
    ) -> None:
        self._declared: Final = dict(declared)
        self._refuse_undeclared: Final = refuse_undeclared
        self._unchecked_objects: Final = unchecked_objects
        self._factors: Final = None if factors is None else frozenset(factors)
        # One entry per route, so the routes bound it.
        self._asked: Final[dict[tuple[tuple[Mark, ...], str], tuple[Access, ...]]] = {}

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """The start check; raises ConfigurationError."""
        check_routes(
            table,
            guards,
            declared=self._declared,
            refuse_undeclared=self._refuse_undeclared,
            factors=self._factors,
        )
        check_objects(table, declared=self._declared, unchecked_objects=self._unchecked_objects)
        for entry in table.walk():
            plan_of(entry.dependant)

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Refuse callers whom the route does not admit."""
        waiting: list[Further] | None = None
        route = (exchange.marks, exchange.route)
        asked = self._asked.get(route)
        for access in self._find(*route) if asked is None else asked:
            further = access.ask(exchange)
            if further is not None:
                waiting = [*(waiting or ()), further]
        return None if waiting is None else _all_of(waiting)

    def _find(self, marks: tuple[Mark, ...], path: str) -> tuple[Access, ...]:
        declared = self._declared.get(path)
        found = (*accesses(marks), *(() if declared is None else (declared,)))
        self._asked[marks, path] = found
        return found


async def _all_of(waiting: Sequence[Further]) -> None:
    """What takes waiting is asked once everything else has admitted the caller."""
    for further in waiting:
        await further()
