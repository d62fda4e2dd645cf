"""Every route with who may call it, for those who review an application."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from zenith.authorization.access import Access, accesses
from zenith.authorization.answers import Masked
from zenith.authorization.objects import ObjectAccess
from zenith.authorization.requirements import (
    Anyone,
    FollowsPolicy,
    HasFactor,
    HasPermissionOrOwn,
    HasScope,
    SeesAllowed,
)
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.pipeline.marks import Mark, add_mark, declare_enforced
from zenith.pipeline.routes import RouteEntry, RouteTable

Callers: TypeAlias = Mapping[str, Principal]
ID: Final = re.compile(r"(?:^|_)(?:id|uuid|guid|pk|key|slug|number)$|[a-z](?:Id|ID|Uuid|UUID)$")
PARAMETER: Final = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")
OURS: Final = "zenith."
NOBODY_KNOWS: Final = "?"


class ChecksObjects(Mark):
    """Says that an endpoint decides about its objects by itself; see `checks_objects`."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why: Final = why

    def __call__(self, target: Any) -> Any:
        """Decorate an endpoint."""
        return declare_enforced(add_mark(target, self), self)

    def __repr__(self) -> str:
        return f"<checks objects: {self.why}>"


def checks_objects(why: str) -> ChecksObjects:
    """Say how an endpoint decides about the objects that its path names, where no declaration does:
    `@checks_objects("authorize() in the handler")`. It is no longer listed as unchecked.
    """
    return ChecksObjects(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRoute:
    """One route, as a reader of the table sees it."""

    methods: tuple[str, ...]
    path: str
    endpoint: str
    access: tuple[str, ...]
    """What is declared; empty where nothing is."""
    masks: tuple[str, ...]
    notes: tuple[str, ...]
    """What else is declared, such as networks that may call."""
    object_parameters: tuple[str, ...]
    """Parameters of the path that look like the id of an object, but for those decided on."""
    callers: Mapping[str, str]
    """By name of the caller: `yes`, `no`, or on what it depends."""

    @property
    def is_declared(self) -> bool:
        """Whether anything says who may call."""
        return bool(self.access)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "methods": list(self.methods),
            "path": self.path,
            "endpoint": self.endpoint,
            "declared": self.is_declared,
            "access": list(self.access),
            "masks": list(self.masks),
            "notes": list(self.notes),
            "unchecked": list(self.object_parameters),
            "callers": dict(self.callers),
        }


def list_routes(
    table: RouteTable, *, declared: Mapping[str, Access], callers: Callers
) -> Iterator[ListedRoute]:
    """Each route of `table`; `declared` is access by path, `callers` are asked about one by one."""
    for entry in table.walk():
        if entry.children is not None:
            continue
        found = accesses(entry.marks)
        if (by_path := declared.get(entry.path)) is not None:
            found = (*found, by_path)
        # One declaration that is enforced twice is one.
        access = tuple(dict.fromkeys(each.requirement.describe() for each in found))
        yield ListedRoute(
            methods=tuple(sorted(entry.methods - {"HEAD"})) or (entry.kind.upper(),),
            path=entry.path,
            endpoint=_endpoint(entry),
            access=access,
            masks=tuple(each.describe() for each in entry.marks if isinstance(each, Masked)),
            notes=tuple(dict.fromkeys(filter(None, (each.note() for each in entry.marks)))),
            object_parameters=unchecked(entry, found),
            callers={name: _answer(found, principal) for name, principal in callers.items()},
        )


def unchecked(entry: RouteEntry, found: Iterable[Access]) -> tuple[str, ...]:
    """The parameters of a path that name objects about which nothing is decided.

    Threat: broken object level authorization (ASVS 8.2.2): who may call a route may call it with
    the numbers of others. A permission or a role says nothing of the object, so it does not count.
    """
    names = [name for name in PARAMETER.findall(entry.path) if ID.search(name)]
    if not names or getattr(inspect.unwrap(entry.endpoint), "__module__", "").startswith(OURS):
        return ()
    found = list(found)
    is_public = bool(found) and all(isinstance(each.requirement, Anyone) for each in found)
    by_object = any(isinstance(each, ObjectAccess) and each.loader for each in found)
    by_itself = any(isinstance(each, ChecksObjects) for each in entry.marks)
    return () if is_public or by_object or by_itself else tuple(names)


def _endpoint(entry: RouteEntry) -> str:
    endpoint: Any = inspect.unwrap(entry.endpoint) if callable(entry.endpoint) else entry.endpoint
    name = getattr(endpoint, "__qualname__", type(endpoint).__name__)
    return f"{getattr(endpoint, '__module__', '')}.{name}"


def _answer(found: tuple[Access, ...], principal: Principal) -> str:
    """What a caller is answered by all declarations together."""
    if not found:
        return NOBODY_KNOWS
    answers = [_answer_of(access, principal) for access in found]
    if "no" in answers:
        return "no"
    depends = dict.fromkeys(each for each in answers if each != "yes")
    return ", ".join(depends) or "yes"


def _answer_of(access: Access, principal: Principal) -> str:
    requirement = access.requirement
    if isinstance(requirement, SeesAllowed):
        return "policy: rows"
    if isinstance(requirement, FollowsPolicy):
        return "policy: object" if requirement.with_object else "policy"
    if requirement.decide(principal).denied:
        if principal.is_authenticated and isinstance(requirement, HasScope):
            return "scope"
        is_factor = principal.is_authenticated and isinstance(requirement, HasFactor)
        return "factor" if is_factor else "no"
    if isinstance(requirement, HasPermissionOrOwn):
        return "yes" if principal.permissions.allow(requirement.permission) else "own"
    return "yes"
