"""A table of which everybody sees the rows of one tenant, however a statement reaches it.

The border is drawn where statements become SQL, not where they are written. Wherever such a table
is read (a model, an alias, a join, a relation, a subquery, a bare column in a WHERE) its name is
rendered as the part of it that belongs to the tenant; whatever changes or deletes its rows gets the
same condition, and whatever inserts gets the tenant as value. The tenant is a parameter, asked for
at each execution, so that compiled statements can be cached, and nothing runs without one.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, cast

from sqlalchemy import Alias, Delete, FromClause, Insert, String, Table, Update, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from zenith.tenants.errors import TenantError
from zenith.tenants.scope import current_tenant, is_across

COLUMN: Final = "tenant"
PARAMETER: Final = f"zenith_tenant_{secrets.token_hex(8)}"
"""Not to be guessed: parameters of a statement may come from a client, names and all."""
ROWS: Final = "hand the rows over as a list: session.execute(insert(Model), rows)"
LOAD: Final = "load the row and change it; another tenant's may be in its place"
PLAIN: Final = "change the model itself: update(Model)"
OUT: Final = "leave it out: it is set to the one that is meant"


TENANT_TABLES: Final[set[str]] = set()
"""Names of all such tables, in lower case: what raw SQL may not name."""


class TenantTable(Table):
    """Threat: the one query that forgot its tenant (ASVS 8.4.1)."""

    inherit_cache = True


def tenant_parameter() -> Any:
    """The tenant, asked for when the statement is executed."""
    return bindparam(PARAMETER, callable_=current_tenant, type_=String(), unique=False)


def is_shared(compiler: SQLCompiler) -> bool:
    """Whether this one execution reads the rows of all: never a statement that will be cached."""
    return is_across() and compiler.cache_key is None


@compiles(TenantTable)
def _read(
    table: TenantTable,
    compiler: SQLCompiler,
    *,
    asfrom: bool = False,
    iscrud: bool = False,
    ashint: bool = False,
    enclosing_alias: FromClause | None = None,
    **options: Any,
) -> str:
    plain = _render(
        compiler.visit_table,
        table,
        asfrom=asfrom,
        iscrud=iscrud,
        ashint=ashint,
        enclosing_alias=enclosing_alias,
        **options,
    )
    if not asfrom or iscrud or ashint or is_shared(compiler):
        return plain
    if table.schema is not None:
        raise TenantError(
            f"{table.fullname} is in a schema, whose name cannot stand for a part of a table",
            fix="leave `schema` out and set the search path of the role",
        )
    name = compiler.preparer.format_table(table)
    tenant = compiler.process(tenant_parameter())
    # Names come from the model, quoted; the value is a parameter.
    rows = f"(SELECT * FROM {name} WHERE {name}.{compiler.preparer.quote(COLUMN)} = {tenant})"  # noqa: S608
    has_name = enclosing_alias is not None and getattr(enclosing_alias, "element", None) is table
    return rows if has_name else f"{rows} AS {name}"


@compiles(Update)
def _change(statement: Update, compiler: SQLCompiler, **options: Any) -> str:
    if COLUMN in _names_set(statement, compiler) and _is_bounded(statement.table):
        raise TenantError(f"a statement sets `{COLUMN}`", fix=OUT)
    return _render(compiler.visit_update, _limited(statement), **options)


@compiles(Delete)
def _delete(statement: Delete, compiler: SQLCompiler, **options: Any) -> str:
    return _render(compiler.visit_delete, _limited(statement), **options)


@compiles(Insert)
def _insert(statement: Insert, compiler: SQLCompiler, **options: Any) -> str:
    if not isinstance(statement.table, TenantTable):
        return _render(compiler.visit_insert, statement, **options)
    if statement.select is not None or _has_many(statement):
        raise TenantError("rows are inserted whose tenant cannot be set", fix=ROWS)
    if _replaces(statement) or _may_update(statement):
        raise TenantError("an insert would change the row that is in its place", fix=LOAD)
    stamped = statement.values({COLUMN: tenant_parameter()})
    return _render(compiler.visit_insert, stamped, **options)


def _render(visit: Any, element: Any, **options: Any) -> str:
    text: str = visit(element, **options)
    return text


def _limited(statement: Any) -> Any:
    table = statement.table
    if not isinstance(table, TenantTable):
        if _is_bounded(table):
            raise TenantError("an alias would be changed, whose rows are everybody's", fix=PLAIN)
        return statement
    if _replaces(statement):
        raise TenantError("an update would remove the row that is in its place", fix=LOAD)
    return statement.where(table.c[COLUMN] == tenant_parameter())


def _is_bounded(table: Any) -> bool:
    element: Any = table
    while isinstance(element, Alias):
        element = cast("Any", element).element
    return isinstance(element, TenantTable)


def _names_set(statement: Any, compiler: SQLCompiler) -> set[str]:
    """What an UPDATE changes; rows that are handed over beside it name the rest."""
    told = getattr(statement, "_values", None) or ()
    return {str(getattr(key, "key", key)) for key in (*told, *(compiler.column_keys or ()))}


def _has_many(statement: Insert) -> bool:
    return bool(getattr(statement, "_multi_values", ()))


def _may_update(statement: Insert) -> bool:
    clause: Any = getattr(statement, "_post_values_clause", None)
    return clause is not None and clause.__visit_name__ != "on_conflict_do_nothing"


def _replaces(statement: Any) -> bool:
    """`INSERT OR REPLACE` of SQLite: whosever row has the key is gone."""
    prefixes: Any = getattr(statement, "_prefixes", ())
    return any("replace" in str(prefix).lower() for prefix, _ in prefixes)
