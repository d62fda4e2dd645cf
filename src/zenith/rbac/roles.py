"""Roles, what each may do, and which others it implies; compiled to look-ups."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import NO_PERMISSIONS, OWN, Permissions, check_permission
from zenith.kernel.principal import Principal

Compiled: TypeAlias = tuple[frozenset[str], Permissions]

MAX_COMPILED: Final = 1024
"""Combinations of roles and own permissions kept compiled."""
MAX_REPORTED: Final = 1000
NOTHING: Final[Compiled] = (frozenset(), NO_PERMISSIONS)
_OWN_SUFFIX: Final = f":{OWN}"
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


class RoleSet:
    """The roles of an application.

    Threat: a role that grants more than its table says, because a name was misspelled or a level
    misread (ASVS 8.1.1, 8.2.1). The definition is checked once, here; a role that is not in it
    grants nothing. Roles of the same level do not imply each other.

    Raises ConfigurationError for roles without a level, levels that are no integers, and
    permissions of no known form.
    """

    def __init__(
        self,
        hierarchy: Mapping[str, int] = ROLE_HIERARCHY,
        permissions: Mapping[str, Collection[str]] = ROLE_PERMISSIONS,
    ) -> None:
        self._levels: Final = {str(role): level for role, level in hierarchy.items()}
        self._granted: Final = {
            str(role): _patterns(role, texts) for role, texts in permissions.items()
        }
        _check(self._levels, self._granted)
        self._compiled: Final[OrderedDict[tuple[frozenset[str], frozenset[str]], Compiled]] = (
            OrderedDict()
        )
        self._reported: Final[set[str]] = set()

    @property
    def roles(self) -> frozenset[str]:
        """Every defined role."""
        return frozenset(self._levels)

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
        levels = self._levels
        held = {str(role) for role in roles if role in levels}
        for role in roles - held:
            self._report("role", role)
        if held:
            top = max(levels[role] for role in held)
            held.update(role for role, level in levels.items() if level < top)
        granted = {text for role in held for text in self._granted.get(role, ())}
        for text in permissions:
            if _is_pattern(text):
                granted.add(text)
            else:
                self._report("permission", text)
        return (frozenset(held), Permissions(granted)) if held or granted else NOTHING

    def _report(self, what: str, text: str) -> None:
        if text not in self._reported and len(self._reported) < MAX_REPORTED:
            self._reported.add(text)
            _log.warning("unknown %s %.80r grants nothing", what, text)


def can_grant(
    granter: Principal, roles: Iterable[str], role_set: RoleSet, *, permissions: Iterable[str] = ()
) -> bool:
    """Whether `granter` may give, or take away, these roles and own permissions.

    Threat: an administrator of a part who becomes, or makes a friend, administrator of the whole
    (ASVS 8.2.1). Nobody can grant what they do not hold: each role must be among the granter's
    own, and everything that follows from them must be granted to the granter in full, which a
    narrowed credential is not. Pass the roles before and after a change: to take the higher role
    away needs it too. Unknown roles and malformed permissions can be granted by nobody.
    """
    wanted = frozenset(map(str, roles))
    own = tuple(permissions)
    if not granter.is_authenticated or granter.scopes is not None:
        return False
    if not (wanted <= role_set.roles and all(map(_is_pattern, own))):
        return False
    implied, granted = role_set.compile(wanted, own)
    return implied <= granter.roles and all(_covers(granter.permissions, text) for text in granted)


def _covers(held: Permissions, pattern: str) -> bool:
    return held.allow(pattern) or (
        pattern.endswith(_OWN_SUFFIX) and held.allow(pattern.removesuffix(_OWN_SUFFIX))
    )


def _is_pattern(text: str) -> bool:
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


def _check(levels: Mapping[str, int], granted: Mapping[str, frozenset[str]]) -> None:
    if not levels:
        raise ConfigurationError(
            "rbac.hierarchy has no roles", fix="leave the default, ROLE_HIERARCHY"
        )
    for role, level in levels.items():
        if not role.strip() or not role.isprintable():
            raise ConfigurationError(f"rbac.hierarchy: {role!r} is no role", fix="give it a name")
        if type(level) is not int:
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
