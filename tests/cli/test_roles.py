from __future__ import annotations

import json
import time

from tests.cli.test_accounts import in_home, register
from zenith.cli.output import ExitCode

ANN = "ann@example.org"


def document(answer):
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_roles_of_the_code(zenith):
    rows = zenith("roles", "list").stdout.splitlines()
    assert rows[0].split() == ["role", "level", "from", "inherits", "grants"]
    assert [row.split()[0] for row in rows[1:]] == [
        "super_admin",
        "admin",
        "moderator",
        "user",
        "guest",
    ]
    found = document(zenith("roles", "list", "--json"))["roles"]
    assert (found[0]["name"], found[0]["origin"], found[0]["permissions"]) == (
        "super_admin",
        "code",
        ["*"],
    )


def test_a_role_is_made_changed_and_deleted(zenith):
    made = zenith("roles", "create", "editor", "-p", "posts:*", "-i", "guest", "--level", "45")
    assert made.exit_code == 0, made.output
    assert "grants       comments:read" in made.stdout
    edit = ("--add", "files:read", "--remove", "posts:*", "--no-level", "--rename", "writer")
    changed = document(zenith("roles", "change", "editor", *edit, "--json"))
    assert (changed["name"], changed["level"], changed["permissions"]) == (
        "writer",
        None,
        ["files:read"],
    )
    emptied = document(
        zenith("roles", "change", "writer", "--no-permissions", "--no-inherits", "--json")
    )
    assert (emptied["grants"], emptied["implies"]) == ([], [])
    assert "- " in zenith("roles", "list").stdout
    assert zenith("roles", "delete", "writer").stdout == "the role is deleted\n"
    changed = document(zenith("roles", "change", "user", "--permission", "a:b", "--json"))
    assert changed["origin"] == "changed"
    assert zenith("roles", "delete", "user").stdout == "the role is as the code defines it\n"


def test_a_role_is_given_and_taken(zenith, tmp_path):
    register(tmp_path, ANN)
    given = zenith("roles", "grant", ANN, "moderator", "--days", "2", "--tenant", "acme")
    assert given.stdout == "the account now holds moderator\n"
    until = ("--until", "2099-12-31")
    held = document(zenith("roles", "grant", ANN, "admin", *until, "--json"))
    assert held["changed"]
    assert [(each["role"], each["tenant"]) for each in held["roles"]] == [
        ("user", "*"),
        ("admin", "*"),
        ("moderator", "acme"),
    ]
    assert held["roles"][1]["expires_at"] == "2099-12-31T00:00:00+00:00"
    again = zenith("roles", "grant", ANN, "admin", *until)
    assert again.stdout == "the account already holds admin\n"
    shown = zenith("roles", "show", "admin").stdout
    assert "everywhere until 2099-12-31 00:00 UTC" in shown
    assert "in acme until" in zenith("roles", "show", "moderator").stdout
    assert zenith("roles", "show", "user").stdout.rstrip().endswith("everywhere")
    taken = zenith("roles", "revoke", ANN, "moderator", "--tenant", "acme")
    assert taken.stdout == "the account lost the role\n"
    taken = zenith("roles", "revoke", ANN, "moderator")
    assert taken.stdout == "the account did not hold it there\n"
    assert document(zenith("roles", "revoke", ANN, "admin", "--json"))["changed"]

    async def ends(assembly):
        store = assembly.accounts.store
        account = await store.by_email(ANN)
        return await assembly.accounts.assignments.of_account(account.id), time.time()

    (left,), _ = in_home(tmp_path, ends)
    assert left.role == "user"


REFUSED = [
    (["show", "nobody"], ExitCode.REFUSED, "no such role"),
    (["create", "user"], ExitCode.REFUSED, "a role of this name"),
    (["create", "a b"], ExitCode.USAGE, "name"),
    (["create", "x", "-p", "no permission"], ExitCode.USAGE, "no permission"),
    (["create", "x", "-i", "nobody"], ExitCode.USAGE, "no role `nobody`"),
    (["change", "nobody", "--add", "a:b"], ExitCode.REFUSED, "no such role"),
    (["change", "user", "--remove", "a:b"], ExitCode.REFUSED, "does not itself grant a:b"),
    (["change", "super_admin", "--level", "1"], ExitCode.REFUSED, "cannot be changed"),
    (["change", "user", "-p", "a:b", "--add", "c:d"], ExitCode.USAGE, "all that"),
    (["change", "user", "--level", "1", "--no-level"], ExitCode.USAGE, "contradict"),
    (["delete", "user"], ExitCode.REFUSED, "defined in code"),
    (["grant", "nobody@example.org", "user"], ExitCode.REFUSED, "no account"),
    (["grant", ANN, "user", "--days", "1", "--until", "2099-01-01"], ExitCode.USAGE, "both"),
    (["grant", ANN, "user", "--until", "soon"], ExitCode.USAGE, "soon"),
]


def test_what_cannot_be_is_said(zenith):
    for arguments, code, said in REFUSED:
        answer = zenith("roles", *arguments)
        assert answer.exit_code == code, answer.output
        assert said in answer.stderr


def test_the_last_administrator_stays(zenith, tmp_path):
    register(tmp_path, ANN, roles=("super_admin",))
    answer = zenith("roles", "revoke", ANN, "super_admin")
    assert answer.exit_code == ExitCode.REFUSED
    assert "last administrator" in answer.stderr
