"""Models whose rows belong to one tenant each."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Table
from sqlmodel import Field, SQLModel

from zenith.query import hidden
from zenith.tenants.border import draw
from zenith.tenants.scope import MAX_TENANT
from zenith.tenants.table import TENANT_TABLES, TenantTable


class TenantModel(SQLModel):
    """The tenant's column, and a table that shows one tenant's rows:
    `class Document(TenantModel, ZenithModel, table=True)`.

    Threat: reading, changing or referring to what belongs to another tenant (ASVS 8.4.1). Every
    statement is limited to the tenant of the caller, or of `tenant_scope`; rows are stamped with
    it; without one, nothing is read or written. See `docs/explanation/tenants.md` for what holds
    on which database.
    """

    tenant: Annotated[str, hidden] = Field(
        default="", index=True, nullable=False, max_length=MAX_TENANT
    )
    """Whose row it is. Set by Zenith, and never anything else."""

    @classmethod
    def __table_cls__(cls, *arguments: Any, **options: Any) -> Table:
        """SQLAlchemy asks it for the table of each model."""
        draw()
        TENANT_TABLES.add(str(arguments[0]).lower())
        return TenantTable(*arguments, **options)
