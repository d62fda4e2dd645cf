"""Roles at run time: what they are, and who holds them."""

from zenith.accounts.role_administration.assignments import RoleAssignments
from zenith.accounts.role_administration.definitions import RoleChange, RoleDefinitions

__all__ = ["RoleAssignments", "RoleChange", "RoleDefinitions"]
