"""Roles and the permissions that follow from them."""

from zenith.rbac.assignments import (
    EVERYWHERE,
    HeldRoles,
    RoleAssignment,
    held_roles,
    tenants_of,
)
from zenith.rbac.definitions import (
    Origin,
    RoleBook,
    check_definition,
    repaired_book,
    role_book,
    unsound,
)
from zenith.rbac.granting import can_grant, can_redefine, holder
from zenith.rbac.inheritance import Inheritance, InheritanceError
from zenith.rbac.live import LiveRoles
from zenith.rbac.roles import (
    ROLE_HIERARCHY,
    ROLE_PERMISSIONS,
    CurrentRoles,
    Role,
    RoleSet,
)
from zenith.rbac.settings import RbacSettings
from zenith.rbac.store import (
    GrantOutcome,
    RevokeOutcome,
    RoleDefinition,
    RoleStore,
    StoredRoles,
)

__all__ = [
    "EVERYWHERE",
    "ROLE_HIERARCHY",
    "ROLE_PERMISSIONS",
    "CurrentRoles",
    "GrantOutcome",
    "HeldRoles",
    "Inheritance",
    "InheritanceError",
    "LiveRoles",
    "Origin",
    "RbacSettings",
    "RevokeOutcome",
    "Role",
    "RoleAssignment",
    "RoleBook",
    "RoleDefinition",
    "RoleSet",
    "RoleStore",
    "StoredRoles",
    "can_grant",
    "can_redefine",
    "check_definition",
    "held_roles",
    "holder",
    "repaired_book",
    "role_book",
    "tenants_of",
    "unsound",
]
