"""What the application needs of its tables, and what its database user may do beyond that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.stores.sql.database import Database
from zenith.stores.sql.revision import VERSION_TABLE
from zenith.stores.sql.schema import (
    audit_events,
    audit_seals,
    metadata,
    policy_activations,
    policy_versions,
)

MAX_NAME: Final = 63
"""Bytes of a name in PostgreSQL."""
VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
READ: Final = VERBS[:1]
APPEND: Final = VERBS[:2]
_BEYOND: Final = (*VERBS, "TRUNCATE", "REFERENCES", "TRIGGER")
_NARROW: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        VERSION_TABLE: READ,
        **{
            each.name: APPEND
            for each in (audit_events, audit_seals, policy_versions, policy_activations)
        },
    }
)
_LOG: Final = frozenset({audit_events.name, audit_seals.name})
_NAMES: Final = text(
    """
    SELECT c.relname, CAST(c.relkind AS text) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'S') ORDER BY c.relname
    """
)
_ROLE: Final = text(
    """
    SELECT rolname, current_schema() AS schema, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
        rolreplication, has_schema_privilege(current_schema(), 'CREATE') AS creates,
        (SELECT coalesce(string_agg(r.rolname, ', ' ORDER BY r.rolname), '') FROM pg_roles r
         WHERE starts_with(r.rolname, 'pg_') AND pg_has_role(r.oid, 'MEMBER')) AS predefined
    FROM pg_roles WHERE rolname = current_user
    """
)
_TABLES: Final = text(
    """
    SELECT c.relname, pg_has_role(c.relowner, 'MEMBER') AS owns, v.verb,
        has_table_privilege(c.oid, v.verb) AS may, v.verb IN
        ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
            AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, v.verb)) AS partly
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(CAST(:verbs AS text[])) WITH ORDINALITY AS v (verb, place)
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY c.relname, v.place
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where what a user may do is not what the application needs."""

    what: str
    """A table, or the user itself."""
    too_much: str = ""
    too_little: str = ""


def needed(*, prunes: bool = False) -> Mapping[str, Sequence[str]]:
    """What may be done with each table of Zenith's (ASVS 13.2.2).

    The log of events and the history of policies are only added to; `prunes`: this user removes old
    events as well. The version of the schema is only read: a role that owns the tables upgrades.
    """
    found: dict[str, Sequence[str]] = {VERSION_TABLE: READ}
    for table in sorted(metadata.tables):
        verbs = _NARROW.get(table, VERBS)
        found[table] = (*verbs, "DELETE") if prunes and table in _LOG else verbs
    return found


async def grants(database: Database, role: str, *, prunes: bool = False) -> list[str]:
    """The statements that give `role` what the application needs, and take away the rest; for the
    owner of the tables and their schema. Tables there that are not Zenith's are the application's.

    Raises ConfigurationError for SQLite, which has no users, and for what is no name.
    """
    _check(database)
    if not role or "\x00" in role or len(role.encode()) > MAX_NAME:
        raise ConfigurationError(
            f"no name of a role: {role!r}", fix=f"give 1 to {MAX_NAME} bytes without NUL"
        )
    async with database.transaction() as connection:
        found = (await connection.execute(_NAMES)).all()
        schema = (await connection.execute(text("SELECT current_schema()"))).scalar_one()
    tables = [name for name, kind in found if kind != "S"]
    sequences = [name for name, kind in found if kind == "S"]
    known, to = needed(prunes=prunes), _quoted(role)
    by_verbs: dict[Sequence[str], list[str]] = {}
    for table in tables:
        by_verbs.setdefault(tuple(known.get(table, VERBS)), []).append(table)
    made = [
        f"REVOKE CREATE ON SCHEMA {_quoted(schema)} FROM PUBLIC, {to};",
        f"GRANT USAGE ON SCHEMA {_quoted(schema)} TO {to};",
    ]
    own = [table for table in tables if table in known]
    others = [table for table in tables if table not in known]
    if own:
        made.append(f"REVOKE ALL ON {_listed(own)} FROM PUBLIC, {to};")
    if others:
        made.append(f"REVOKE ALL ON {_listed(others)} FROM {to};")
    for verbs, those in sorted(by_verbs.items()):
        made.append(f"GRANT {', '.join(verbs)} ON {_listed(those)} TO {to};")
    if sequences:
        made.append(f"GRANT USAGE ON SEQUENCE {_listed(sequences)} TO {to};")
    return made


async def deviations(database: Database, *, prunes: bool = False) -> list[Deviation]:
    """Where the user of this connection may do more than the application needs, or less.

    Threat: whoever makes the application run SQL of his own, and with it rewrites the audit log,
    turns row-level security off, or reads files of the server. Raises ConfigurationError for
    SQLite, which has no users.
    """
    _check(database)
    async with database.transaction() as connection:
        user = (await connection.execute(_ROLE)).mappings().one()
        tables = (await connection.execute(_TABLES, {"verbs": list(_BEYOND)})).all()
    found = _of_user(dict(user))
    if user["rolsuper"]:
        return found
    known, by_name = needed(prunes=prunes), dict[str, list[Any]]()
    for row in tables:
        by_name.setdefault(row.relname, []).append(row)
    for name, rows in by_name.items():
        verbs = known.get(name, VERBS)
        much = [row.verb for row in rows if (row.may or row.partly) and row.verb not in verbs]
        if rows[0].owns:
            much = ["owns it"]
        little = [row.verb for row in rows if row.verb in verbs and not row.may]
        if much or little:
            found.append(
                Deviation(what=name, too_much=", ".join(much), too_little=", ".join(little))
            )
    return found


def _of_user(user: Mapping[str, Any]) -> list[Deviation]:
    powers = {
        "rolsuper": "is a superuser",
        "rolbypassrls": "is not held by row-level security",
        "rolcreaterole": "makes roles",
        "rolcreatedb": "makes databases",
        "rolreplication": "replicates",
        "creates": f"makes tables in the schema {user['schema']}",
    }
    much = [meaning for name, meaning in powers.items() if user[name]]
    if user["rolsuper"]:
        much = much[:1]
    elif user["predefined"]:
        much.append(f"is a member of {user['predefined']}")
    return [Deviation(what=f"user {user['rolname']}", too_much=", ".join(much))] if much else []


def _check(database: Database) -> None:
    if database.dialect != "postgresql":
        raise ConfigurationError(
            "SQLite has no users",
            fix="keep the file readable by the application's user alone, as Zenith makes it",
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))
