"""`zenith db grants` and `zenith db privileges`, on a real server."""

from __future__ import annotations

import asyncio
import json
import secrets

import asyncpg
import pytest
from sqlalchemy.engine import make_url


def on_server(url, *statements):
    async def execute():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())


@pytest.fixture
def role(upgraded_postgres_url):
    """A user whose name SQL must quote, and its URL."""
    name, password = f'shop\'s "{secrets.token_hex(4)}"', secrets.token_hex(8)
    quoted = '"' + name.replace('"', '""') + '"'
    on_server(upgraded_postgres_url, f"CREATE ROLE {quoted} LOGIN PASSWORD '{password}'")
    url = make_url(upgraded_postgres_url).set(username=name, password=password)
    yield name, quoted, url.render_as_string(hide_password=False)
    on_server(upgraded_postgres_url, f"DROP OWNED BY {quoted}", f"DROP ROLE {quoted}")


def deviations(zenith, url, *options, code=1):
    result = zenith("db", "privileges", "--json", *options, ZENITH_DATABASE__URL=url)
    assert result.exit_code == code, result.output
    found = json.loads(result.stdout)
    assert found["holds"] is not bool(found["deviations"])
    return {each["what"]: (each["too_much"], each["too_little"]) for each in found["deviations"]}


def test_what_is_printed_is_what_is_needed(zenith, upgraded_postgres_url, role):
    name, _, url = role
    # The application's own tables are its own.
    on_server(upgraded_postgres_url, 'CREATE TABLE "Orders" (id serial PRIMARY KEY)')
    before = deviations(zenith, url)
    assert before["zenith_accounts"] == ("", "SELECT, INSERT, UPDATE, DELETE")
    result = zenith("db", "grants", name, ZENITH_DATABASE__URL=upgraded_postgres_url)
    assert result.exit_code == 0, result.output
    on_server(upgraded_postgres_url, result.stdout)
    assert deviations(zenith, url, code=0) == {}
    assert "nothing more" in zenith("db", "privileges", ZENITH_DATABASE__URL=url).stdout
    on_server(url, 'INSERT INTO "Orders" DEFAULT VALUES')
    assert zenith("db", "upgrade", ZENITH_DATABASE__URL=url).stdout == "the schema is up to date\n"
    assert zenith("accounts", "list", ZENITH_DATABASE__URL=url).exit_code == 0
    verified = zenith("audit", "verify", ZENITH_DATABASE__URL=url)
    assert verified.exit_code == 0, verified.output


def test_who_prunes_may_remove_events_and_nobody_else(zenith, upgraded_postgres_url, role):
    name, _, url = role
    options = ("--prunes", "--json")
    result = zenith("db", "grants", name, *options, ZENITH_DATABASE__URL=upgraded_postgres_url)
    made = json.loads(result.stdout)
    assert made["role"] == name
    on_server(upgraded_postgres_url, *made["statements"])
    assert deviations(zenith, url, "--prunes", code=0) == {}
    log = ("zenith_audit_events", "zenith_audit_seals")
    assert deviations(zenith, url) == dict.fromkeys(log, ("DELETE", ""))
    own = {"ZENITH_AUDIT__KEEP_DAYS": "400", "ZENITH_DATABASE__URL": url}
    assert zenith("db", "privileges", **own).exit_code == 0, "the application prunes by itself"
    # Granted anew without: what was given before is taken away.
    result = zenith("db", "grants", name, ZENITH_DATABASE__URL=upgraded_postgres_url)
    on_server(upgraded_postgres_url, result.stdout)
    assert deviations(zenith, url, code=0) == {}


def test_what_is_too_much_is_said(zenith, upgraded_postgres_url, role):
    name, quoted, url = role
    result = zenith("db", "grants", name, ZENITH_DATABASE__URL=upgraded_postgres_url)
    on_server(
        upgraded_postgres_url,
        result.stdout,
        f"ALTER ROLE {quoted} CREATEDB CREATEROLE BYPASSRLS",
        f"GRANT pg_read_server_files TO {quoted}",
        f"GRANT CREATE ON SCHEMA public TO {quoted}",
        f"GRANT TRUNCATE ON zenith_audit_events TO {quoted}",
        f"GRANT UPDATE (entries) ON zenith_audit_seals TO {quoted}",
        f"ALTER TABLE zenith_sessions OWNER TO {quoted}",
        f"REVOKE DELETE ON zenith_bans FROM {quoted}",
    )
    found = deviations(zenith, url)
    powers = (
        *("is not held by row-level security", "makes roles", "makes databases"),
        *("makes tables in the schema public", "is a member of pg_read_server_files"),
    )
    assert found.pop(f"user {name}") == (", ".join(powers), "")
    assert found == {
        "zenith_audit_events": ("TRUNCATE", ""),
        "zenith_audit_seals": ("UPDATE", ""),
        "zenith_sessions": ("owns it", ""),
        "zenith_bans": ("", "DELETE"),
    }
    shown = zenith("db", "privileges", ZENITH_DATABASE__URL=url)
    assert shown.exit_code == 1
    assert "zenith db grants ROLE" in shown.stderr
    on_server(upgraded_postgres_url, "ALTER TABLE zenith_sessions OWNER TO CURRENT_USER")


def test_a_superuser_is_told_so_once(zenith, upgraded_postgres_url):
    ((what, (much, little)),) = deviations(zenith, upgraded_postgres_url).items()
    assert what.startswith("user ")
    assert (much, little) == ("is a superuser", "")


def test_sqlite_has_no_users_and_names_are_names(zenith, tmp_path, upgraded_postgres_url):
    (tmp_path / "home").mkdir(mode=0o700)
    for command in (["grants", "app"], ["privileges"]):
        result = zenith("db", *command)
        assert result.exit_code == 2, result.output
        assert "SQLite has no users" in result.stderr
    for name in ("", "x" * 64, "é" * 32):
        result = zenith("db", "grants", name, ZENITH_DATABASE__URL=upgraded_postgres_url)
        assert result.exit_code == 2, result.output
        assert "no name of a role" in result.stderr
