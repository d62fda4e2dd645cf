"""Settings of roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from types import MappingProxyType

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.rbac.roles import NO_INHERITANCE, ROLE_HIERARCHY, ROLE_PERMISSIONS, Role, RoleSet


@dataclass(frozen=True, kw_only=True, slots=True)
class RbacSettings:
    """Which roles there are and what they grant. Checked at construction."""

    hierarchy: Mapping[str, int | None] = field(default_factory=lambda: ROLE_HIERARCHY)
    """Every role and its level: a role implies those with a lower one. None for a role beside the
    levels."""

    permissions: Mapping[str, Collection[str]] = field(default_factory=lambda: ROLE_PERMISSIONS)
    """What each role grants by itself: `users:read`, `users:*`, `posts:write:own`, `*`. A role
    without an entry has what the roles that it implies grant."""

    inherits: Mapping[str, Collection[str]] = field(default_factory=lambda: NO_INHERITANCE)
    """Roles that a role implies beside those of lower levels: `{"auditor": ["support"]}`. A role
    whose level is None implies, and is implied by, nothing but what stands here."""

    administrator: str = Role.SUPER_ADMIN.value
    """The role of the first account. It must grant `*`: nobody can grant what they do not hold,
    so without it some roles could never be given. Roles that are made at run time are held by it,
    and it is changed by none."""

    def __post_init__(self) -> None:
        roles = RoleSet(self.hierarchy, self.permissions, inherits=self.inherits)
        if self.administrator not in roles.roles:
            raise ConfigurationError(
                f"rbac.administrator names the unknown role `{self.administrator}`",
                fix="choose one of " + ", ".join(sorted(roles.roles)),
            )
        held, permissions = roles.compile((self.administrator,))
        if not permissions.allow("*"):
            raise ConfigurationError(
                f"rbac.administrator: role `{self.administrator}` does not grant `*`",
                fix="choose the role that may do everything, or give it `*`",
            )
        levelled = {str(role) for role, level in self.hierarchy.items() if level is not None}
        if not levelled <= held:
            raise ConfigurationError(
                f"rbac.administrator: role `{self.administrator}` does not imply "
                + ", ".join(sorted(levelled - held)),
                fix="give it the highest level, alone",
            )
        # It implies every role: one that inherits it would be the same role.
        self.role_set()
        object.__setattr__(self, "hierarchy", MappingProxyType(dict(self.hierarchy)))
        for name in ("permissions", "inherits"):
            table: Mapping[str, Collection[str]] = getattr(self, name)
            kept = MappingProxyType({role: tuple(texts) for role, texts in table.items()})
            object.__setattr__(self, name, kept)

    def role_set(self) -> RoleSet:
        """The roles, compiled. Raises ConfigurationError for an unsound definition."""
        return RoleSet(
            self.hierarchy,
            self.permissions,
            inherits=self.inherits,
            administrator=self.administrator,
        )
