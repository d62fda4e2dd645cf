"""Settings of roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zenith.kernel.errors import ConfigurationError
from zenith.rbac.roles import ROLE_HIERARCHY, ROLE_PERMISSIONS, Role, RoleSet


@dataclass(frozen=True, kw_only=True, slots=True)
class RbacSettings:
    """Which roles there are and what they grant. Checked at construction."""

    hierarchy: Mapping[str, int] = field(default_factory=lambda: ROLE_HIERARCHY)
    """Every role and its level: a role implies those with a lower one."""

    permissions: Mapping[str, Collection[str]] = field(default_factory=lambda: ROLE_PERMISSIONS)
    """What each role grants by itself: `users:read`, `users:*`, `posts:write:own`, `*`. A role
    without an entry has what the roles that it implies grant."""

    administrator: str = Role.SUPER_ADMIN.value
    """The role of the first account. It must grant `*`: nobody can grant what they do not hold,
    so without it some roles could never be given."""

    def __post_init__(self) -> None:
        roles = self.role_set()
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
        if held != roles.roles:
            raise ConfigurationError(
                f"rbac.administrator: role `{self.administrator}` does not imply "
                + ", ".join(sorted(roles.roles - held)),
                fix="give it the highest level, alone",
            )
        object.__setattr__(self, "hierarchy", MappingProxyType(dict(self.hierarchy)))
        object.__setattr__(
            self,
            "permissions",
            MappingProxyType({role: tuple(texts) for role, texts in self.permissions.items()}),
        )

    def role_set(self) -> RoleSet:
        """The roles, compiled. Raises ConfigurationError for an unsound definition."""
        return RoleSet(self.hierarchy, self.permissions)
