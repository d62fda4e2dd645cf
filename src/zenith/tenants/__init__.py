"""Tenants: rows that belong to one of many, and are seen by nobody else."""

from zenith.tenants.border import check_statement
from zenith.tenants.errors import ForeignReferenceError, TenantError, TenantRequiredError
from zenith.tenants.guard import TenantGuard
from zenith.tenants.model import TenantModel
from zenith.tenants.row_level_security import open_borders, statements_for
from zenith.tenants.scope import across_tenants, current_tenant, tenant_scope
from zenith.tenants.settings import TenantSettings

__all__ = [
    "ForeignReferenceError",
    "TenantError",
    "TenantGuard",
    "TenantModel",
    "TenantRequiredError",
    "TenantSettings",
    "across_tenants",
    "check_statement",
    "current_tenant",
    "open_borders",
    "statements_for",
    "tenant_scope",
]
