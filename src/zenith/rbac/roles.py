"""Roles, what each may do, and which others it implies; compiled to look-ups."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import NO_PERMISSIONS, Permissions, check_permission
from zenith.rbac.inheritance import Inheritance

Compiled: TypeAlias = tuple[frozenset[str], Permissions]

MAX_COMPILED: Final = 1024
"""Combinations of roles and own permissions kept compiled."""
MAX_REPORTED: Final = 1000
NO_INHERITANCE: Final[Mapping[str, Collection[str]]] = MappingProxyType({})
NOTHING: Final[Compiled] = (frozenset(), NO_PERMISSIONS)
_log: Final = logging.getLogger("zenith.rbac")


class Role(StrEnum):
    """The roles of the default set."""

    SUPER_ADMIN = "super_admin"
    ADMIN = "admin"
    MODERATOR = "moderator"
    USER = "user"
    GUEST = "guest"


ROLE_HIERARCHY: Final[Mapping[str, int]] = MappingProxyType(
    {
        Role.SUPER_ADMIN: 100,
        Role.ADMIN: 80,
        Role.MODERATOR: 60,
        Role.USER: 40,
        Role.GUEST: 20,
    }
)
"""A role implies every role with a lower number."""

ROLE_PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        Role.SUPER_ADMIN: ("*",),
        Role.ADMIN: ("users:*", "posts:*", "comments:*", "settings:read", "settings:write"),
        Role.MODERATOR: (
            "posts:read",
            "posts:write",
            "posts:delete",
            "comments:*",
            "users:read",
        ),
        Role.USER: (
            "posts:read",
            "posts:write:own",
            "comments:read",
            "comments:write:own",
            "users:read:own",
            "users:write:own",
        ),
        Role.GUEST: ("posts:read", "comments:read"),
    }
)
"""What each role grants by itself; it also has what the roles that it implies grant."""


class CurrentRoles(Protocol):
    """Roles that may change while the application runs."""

    @property
    def current(self) -> RoleSet:
        """As they are at this moment."""
        ...


class RoleSet:
    """The roles of an application, compiled: immutable, and a new one after each change.

    Threat: a role that grants more than its table says, because a name was misspelled or a level
    misread (ASVS 8.1.1, 8.2.1). The definition is checked once, here; a role that is not in it
    grants nothing. Roles of the same level, or without one (None), do not imply each other; what a
    role `inherits` it implies whatever the levels. `administrator` implies every role.

    Raises ConfigurationError for roles without a level, levels that are no integers, permissions of
    no known form, and roles that imply each other.
    """

    def __init__(
        self,
        hierarchy: Mapping[str, int | None] = ROLE_HIERARCHY,
        permissions: Mapping[str, Collection[str]] = ROLE_PERMISSIONS,
        *,
        inherits: Mapping[str, Collection[str]] = NO_INHERITANCE,
        administrator: str | None = None,
    ) -> None:
        levels = {str(role): level for role, level in hierarchy.items()}
        self._granted: Final = {
            str(role): _patterns(role, texts) for role, texts in permissions.items()
        }
        inherited = {str(role): frozenset(map(str, names)) for role, names in inherits.items()}
        _check(levels, self._granted, inherited)
        self._order: Final = Inheritance(levels, inherited, administrator=administrator)
        self._roles: Final = frozenset(levels)
        self._compiled: Final[OrderedDict[tuple[frozenset[str], frozenset[str]], Compiled]] = (
            OrderedDict()
        )
        self._reported: Final[set[str]] = set()

    @property
    def roles(self) -> frozenset[str]:
        """Every defined role."""
        return self._roles

    @property
    def current(self) -> RoleSet:
        """Itself: roles that nothing changes are always current."""
        return self

    def compile(self, roles: Iterable[str], permissions: Iterable[str] = ()) -> Compiled:
        """All roles held or implied, and the permissions that follow from them and from
        `permissions`, the account's own.

        Unknown roles and malformed permissions, as an old row of a database may hold, grant
        nothing and are logged once. The answer for the same input is the same object.
        """
        key = (frozenset(roles), frozenset(permissions))
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(*key)
            if len(self._compiled) > MAX_COMPILED:
                self._compiled.popitem(last=False)
        return found

    def has_role(self, roles: Iterable[str] | str, role: str, *, is_active: bool = True) -> bool:
        """Whether `roles`, one or several, hold or imply `role`. Inactive accounts hold none."""
        return is_active and str(role) in self.compile(_several(roles))[0]

    def has_permission(
        self,
        roles: Iterable[str] | str,
        permission: str,
        *,
        custom_permissions: Iterable[str] = (),
        is_active: bool = True,
    ) -> bool:
        """Whether `roles`, one or several, or the account's own grants allow `permission`.

        Inactive accounts have no permission.
        """
        if not is_active:
            return False
        return self.compile(_several(roles), custom_permissions)[1].allow(permission)

    def _compile(self, roles: frozenset[str], permissions: frozenset[str]) -> Compiled:
        known = {str(role) for role in roles if role in self._roles}
        for role in roles - known:
            self._report("role", role)
        held = self._order.implied(known)
        granted = {text for role in held for text in self._granted.get(role, ())}
        for text in permissions:
            if is_pattern(text):
                granted.add(text)
            else:
                self._report("permission", text)
        return (held, Permissions(granted)) if held or granted else NOTHING

    def _report(self, what: str, text: str) -> None:
        if text not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(text)
            _log.warning("unknown %s %.80r grants nothing", what, text)


def is_pattern(text: str) -> bool:
    """Whether `text` can be granted: a permission, or one that ends in a wildcard."""
    try:
        check_permission(text, pattern=True)
    except ConfigurationError:
        return False
    return True


def _several(roles: Iterable[str] | str) -> Iterable[str]:
    return (roles,) if isinstance(roles, str) else roles


def _patterns(role: str, texts: Collection[str]) -> frozenset[str]:
    if isinstance(texts, str):
        raise ConfigurationError(
            f"rbac.permissions: role `{role}` has text instead of a list",
            fix=f'write ["{texts}"]',
        )
    try:
        return frozenset(check_permission(text, pattern=True) for text in texts)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"rbac.permissions: role `{role}`: {error.problem}", fix=error.fix
        ) from None


def _check(
    levels: Mapping[str, int | None],
    granted: Mapping[str, frozenset[str]],
    inherits: Mapping[str, frozenset[str]],
) -> None:
    if not levels:
        raise ConfigurationError(
            "rbac.hierarchy has no roles", fix="leave the default, ROLE_HIERARCHY"
        )
    for role, level in levels.items():
        if not role.strip() or not role.isprintable():
            raise ConfigurationError(f"rbac.hierarchy: {role!r} is no role", fix="give it a name")
        if level is not None and type(level) is not int:
            raise ConfigurationError(
                f"rbac.hierarchy: the level of `{role}` is {level!r}",
                fix="give an integer; a role implies every role with a lower one",
            )
    for role in granted:
        if role not in levels:
            raise ConfigurationError(
                f"rbac.permissions: role `{role}` has no level",
                fix="add it to rbac.hierarchy, or correct its name: " + ", ".join(sorted(levels)),
            )
    for role, names in inherits.items():
        unknown = sorted(name for name in (role, *names) if name not in levels)
        if unknown:
            raise ConfigurationError(
                f"rbac.inherits of `{role}`: there is no role `{unknown[0]}`",
                fix="add it to rbac.hierarchy, or correct its name: " + ", ".join(sorted(levels)),
            )
