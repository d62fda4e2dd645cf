"""Tenants: rows that belong to one of many, and are seen by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.tenants.errors import ForeignReferenceError, TenantError, TenantRequiredError
    from zenith.tenants.guard import TenantGuard, outside
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
    "current_tenant",
    "open_borders",
    "outside",
    "statements_for",
    "tenant_scope",
]

# SQLAlchemy is slow to import: who has no tenants does not wait for it.
__getattr__ = loader(
    __name__,
    {
        "ForeignReferenceError": "errors",
        "TenantError": "errors",
        "TenantGuard": "guard",
        "TenantModel": "model",
        "TenantRequiredError": "errors",
        "TenantSettings": "settings",
        "across_tenants": "scope",
        "current_tenant": "scope",
        "open_borders": "row_level_security",
        "outside": "guard",
        "statements_for": "row_level_security",
        "tenant_scope": "scope",
    },
)
