"""Which roles a role implies: those of lower levels, and those that it inherits by name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from graphlib import CycleError, TopologicalSorter
from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError

Node: TypeAlias = str | int
"""A role, or all roles below a rank; so that a thousand levels need no million edges."""


class InheritanceError(ConfigurationError):
    """Roles that imply each other, and so would be one and the same; `cycle` names them."""

    def __init__(self, cycle: Iterable[str]) -> None:
        self.cycle: Final = tuple(sorted(set(cycle)))
        super().__init__(
            "rbac.inherits goes round in a circle: " + ", ".join(self.cycle),
            fix="take one of these roles out of what another inherits, or change its level",
        )


class Inheritance:
    """The order of roles. `administrator`, if any, implies every other role.

    Threat: two roles that imply each other, so that a lower one silently is the higher one (ASVS
    8.2.1). Raises InheritanceError for them, also where levels and names make the circle together.
    """

    def __init__(
        self,
        levels: Mapping[str, int | None],
        inherits: Mapping[str, AbstractSet[str]],
        *,
        administrator: str | None = None,
    ) -> None:
        self._inherits: Final = inherits
        self._everything: Final = frozenset(levels)
        self._administrator: Final = administrator
        ranked = sorted((level, role) for role, level in levels.items() if level is not None)
        self._ranked: Final = [role for _, role in ranked]
        self._order: Final = [level for level, _ in ranked]
        self._levels: Final = levels
        self._check()

    def implied(self, roles: Iterable[str]) -> frozenset[str]:
        """`roles`, which must be defined, and all that follow from them."""
        held = set(roles)
        if self._administrator in held:
            return self._everything
        waiting, covered = list(held), 0
        while waiting:
            role = waiting.pop()
            found = set(self._inherits.get(role, ()))
            level = self._levels[role]
            if level is not None:
                reach = bisect_left(self._order, level)
                found.update(self._ranked[covered:reach])
                covered = max(covered, reach)
            found -= held
            held |= found
            waiting.extend(found)
        return frozenset(held)

    def _check(self) -> None:
        graph: dict[Node, set[Node]] = {
            role: set(self._inherits.get(role, ())) for role in self._levels
        }
        below: set[Node] = set()
        previous = None
        for place, level in enumerate(self._order):
            if level != previous:
                graph[place], previous = below, level
                below = {place}
            below.add(self._ranked[place])
            graph[self._ranked[place]].add(bisect_left(self._order, level))
        if self._administrator is not None:
            graph[self._administrator] |= self._everything - {self._administrator}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[Node] = error.args[1]
            raise InheritanceError(node for node in circle if isinstance(node, str)) from None
