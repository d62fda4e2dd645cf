"""Roles and the permissions that follow from them."""

from zenith.rbac.roles import (
    ROLE_HIERARCHY,
    ROLE_PERMISSIONS,
    Role,
    RoleSet,
    can_grant,
)
from zenith.rbac.settings import RbacSettings

__all__ = [
    "ROLE_HIERARCHY",
    "ROLE_PERMISSIONS",
    "RbacSettings",
    "Role",
    "RoleSet",
    "can_grant",
]
