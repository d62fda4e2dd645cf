"""The route check: an application whose access is not fully declared does not start."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from zenith.authorization.access import Access, accesses
from zenith.authorization.answers import Masked
from zenith.authorization.listing import unchecked
from zenith.authorization.requirements import Anyone, HasFactor
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline.guard import Guard
from zenith.pipeline.marks import Mark, enforced_marks, marks_of
from zenith.pipeline.routes import RouteEntry, RouteTable

UncheckedObjects: TypeAlias = Literal["warn", "refuse", "ignore"]
CHECK: Final = (
    "@require_policy(policy, action, resource=load), @require_permission(..., resource=load), or"
    ' @checks_objects("how the handler decides")'
)
_log: Final = logging.getLogger("zenith")


def check_routes(
    table: RouteTable,
    guards: Sequence[Guard],
    *,
    declared: Mapping[str, Access],
    refuse_undeclared: bool,
    factors: Collection[str] | None = None,
) -> None:
    """Refuse the start for a route whose declaration is missing, contradictory or not enforced.

    Threat: the forgotten check (ASVS 8.1.1, 8.2.1). `declared` maps paths of routes that cannot be
    decorated to their access; `factors` are those that can be proven, None where that is not known.
    Raises ConfigurationError that lists every such route with the line
    to add; undeclared routes are only warned of where `refuse_undeclared` is false.
    """
    faults: list[str] = []
    undeclared: list[str] = []
    consumed = tuple(kind for guard in guards for kind in guard.consumes)
    for entry in table.walk():
        faults += _faults(entry, consumed)
        faults += _unprovable(entry, factors)
        undeclared += _undeclared(entry, declared)
    if faults:
        raise ConfigurationError("access declarations that would not hold:\n" + "\n".join(faults))
    if not undeclared:
        return
    message = f"{len(undeclared)} route(s) declare no access:\n" + "\n".join(undeclared)
    if refuse_undeclared:
        raise ConfigurationError(message, fix="add the lines above, or @public where all may call")
    _log.warning("%s\nIn production this refuses the start.", message)


def check_objects(
    table: RouteTable, *, declared: Mapping[str, Access], unchecked_objects: UncheckedObjects
) -> None:
    """Warn of routes, or refuse the start for them, whose path names an object that nothing decides
    on. Raises ConfigurationError that lists them.
    """
    if unchecked_objects == "ignore":
        return
    found: list[str] = []
    for entry in table.walk():
        if entry.children is None:
            by_path = declared.get(entry.path)
            found_here = (*accesses(entry.marks), *([] if by_path is None else [by_path]))
            names = unchecked(entry, found_here)
            found += [f"  {_place(entry)}: {', '.join(names)}"] if names else []
    if not found:
        return
    message = f"{len(found)} route(s) decide nothing about the objects that their paths name:\n"
    message += "\n".join(found)
    if unchecked_objects == "refuse":
        raise ConfigurationError(message, fix=CHECK)
    _log.warning("%s\n  fix: %s", message, CHECK)


def _is_declared(entry: RouteEntry, declared: Mapping[str, Access]) -> bool:
    return bool(accesses(entry.marks)) or entry.path in declared


def _undeclared(entry: RouteEntry, declared: Mapping[str, Access]) -> list[str]:
    if entry.children is not None or _is_declared(entry, declared):
        return []
    return [f"  {_place(entry)}\n    add: {_line(entry)}"]


def _faults(entry: RouteEntry, consumed: tuple[type, ...]) -> list[str]:
    faults: list[str] = []
    found = accesses(entry.marks)
    is_open = [isinstance(access.requirement, Anyone) for access in found]
    if any(is_open) and not all(is_open):
        names = ", ".join(sorted({access.requirement.describe() for access in found}))
        faults.append(f"  {_place(entry)}\n    contradicts itself ({names}): keep one")
    enforced = enforced_marks(entry.endpoint)
    faults += [
        f"  {_place(entry)}\n    {mark!r} was attached after the route was registered:"
        " put it below the route's decorator"
        for mark in marks_of(entry.endpoint)
        if isinstance(mark, (Access, Masked)) and mark not in enforced
    ]
    faults += [_unconsumed(entry, mark) for mark in entry.marks if not isinstance(mark, consumed)]
    return faults


def _unprovable(entry: RouteEntry, known: Collection[str] | None) -> list[str]:
    """Misspelt, or of a capability that is off: the route would refuse everybody for ever."""
    if known is None:
        return []
    return [
        f"  {_place(entry)}\n    nobody can prove `{factor}` in this application:"
        f" name one of {', '.join(sorted(known))}"
        for access in accesses(entry.marks)
        if isinstance(access.requirement, HasFactor)
        for factor in access.requirement.factors
        if factor not in known
    ]


def _unconsumed(entry: RouteEntry, mark: Mark) -> str:
    return (
        f"  {_place(entry)}\n    {type(mark).__name__} has no guard that enforces it:"
        " add that guard to the pipeline, or remove the mark"
    )


def _place(entry: RouteEntry) -> str:
    what = ",".join(sorted(entry.methods - {"HEAD"})) or entry.kind.upper()
    endpoint = inspect.unwrap(entry.endpoint) if callable(entry.endpoint) else entry.endpoint
    name = getattr(endpoint, "__qualname__", type(endpoint).__name__)
    module = getattr(endpoint, "__module__", "")
    return f"{what} {entry.path}  ({module}.{name})"


def _line(entry: RouteEntry) -> str:
    if entry.kind in ("mount", "host"):
        return f'app.mount("{entry.path}", authenticated(...))'
    if entry.kind == "frontend":
        return "app.frontend(..., dependencies=[Depends(public)])"
    return "@authenticated  (below the route's decorator; or @require_permission(...), @public)"
