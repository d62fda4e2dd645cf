"""What is looked at before a session does anything: that it stays with one tenant.

`table` limits what statements reach; this looks at what they leave out: rows that a session has
already loaded, rows that name a tenant themselves, references to other rows, raw SQL.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import DDL, TextClause, inspect
from sqlalchemy.engine import Compiled, Connection
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.schema import ExecutableDDLElement

from zenith.query import on_begin, on_execute, on_flush, on_statement, on_use
from zenith.tenants.errors import TenantError
from zenith.tenants.fragments import check_fragments, check_rendered, check_sql
from zenith.tenants.references import check_row, check_values
from zenith.tenants.row_level_security import announce
from zenith.tenants.scope import EVERY, current_tenant, is_across, tenant_or_none
from zenith.tenants.table import COLUMN, TenantTable

BOUND: Final = "zenith.tenant"
"""Key in a session's `info`: the tenant it was first used for."""
TOLD: Final = "zenith.tenant_told"
"""The tenant that the database was told of, and in which savepoint."""
_clean: Final[WeakSet[Compiled]] = WeakSet()
"""Statements in which nothing stands as it was written; SQLAlchemy keeps them and so their look."""
OPEN: Final = "open a session for it: `async with open_session()` inside the block"


@cache
def draw() -> None:
    """Have every session look; once is enough."""
    on_use(bind)
    on_begin(tell_database)
    on_execute(check_statement)
    on_flush(check_rows)
    on_statement(check_sent)


def bind(session: Session) -> None:
    """A session keeps the rows that it has read, so it serves one tenant only."""
    tenant = EVERY if is_across() else tenant_or_none()
    if tenant is None:
        return
    bound = session.info.setdefault(BOUND, tenant)
    if bound != tenant:
        raise TenantError("a session of one tenant is used for another", fix=OPEN)


def tell_database(
    session: Session, transaction: SessionTransaction, connection: Connection
) -> None:
    """PostgreSQL draws the same border (row-level security), for whatever gets past this one."""
    if not transaction.nested:
        tenant = session.info.get(BOUND)
        session.info[TOLD] = (tenant, None)
        announce(connection, tenant)


def _tell_late(session: Session) -> None:
    """A transaction that began before its tenant was known, or that a savepoint took it from."""
    tenant = session.info.get(BOUND)
    told, inside = session.info.get(TOLD, (tenant, None))
    nested = savepoint = session.get_nested_transaction()
    while nested is not None and nested is not inside:
        nested = nested.parent if nested.nested else None
    if told == tenant and (inside is None or nested is not None):
        return
    session.info[TOLD] = (tenant, savepoint)
    announce(session.connection(), tenant)


def check_statement(state: ORMExecuteState) -> None:
    """Refuse what cannot be limited to a tenant. What reads all is compiled for this once."""
    bind(state.session)
    _tell_late(state.session)
    across = is_across()
    if across:
        state.update_execution_options(compiled_cache=None)
    check_fragments(state.statement, across=across, is_select=state.is_select)
    if not across and (state.is_insert or state.is_update):
        check_values(state)


def check_sent(sql: str, compiled: Compiled | None) -> None:
    """The same for what passes through no session: a bare connection, or the driver itself."""
    if compiled is None:
        check_sql(sql, across=is_across())
        return
    statement: Any = compiled.statement
    if statement is None or compiled in _clean:
        return
    across = is_across()
    if isinstance(statement, (TextClause, DDL)):
        check_sql(sql, across=across)
        return
    check_rendered(compiled, across=across)
    if isinstance(statement, ExecutableDDLElement):
        # Of what makes tables and views, those that keep the rows of a query.
        statement = getattr(statement, "selectable", None)
        if statement is None:
            return
    check_fragments(statement, across=across, is_select=bool(getattr(statement, "is_select", 0)))
    if not across:
        _clean.add(compiled)


def check_rows(session: Session, context: object, instances: object) -> None:
    """Stamp what is new; refuse what names another tenant or refers to another tenant's rows."""
    del context, instances
    bind(session)
    _tell_late(session)
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(inspect(row).mapper.local_table, TenantTable):
            tenant = current_tenant()
            if row in session.new and not row.tenant:
                row.tenant = tenant
            if row.tenant != tenant or (row not in session.new and _was_moved(row)):
                raise TenantError(
                    f"a {type(row).__name__} of another tenant would be written",
                    fix="leave `tenant` out: it is set to the one whose data is meant",
                )
            if row not in session.deleted:
                check_row(session, row)


def _was_moved(row: Any) -> bool:
    history = inspect(row).attrs[COLUMN].history
    return bool(history.deleted) and history.deleted != [row.tenant]
