from __future__ import annotations

import json

from tests.cli.test_accounts import register
from zenith.api_keys import is_key


def make(zenith, *arguments):
    answer = zenith("api-keys", "create", *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def listed(zenith):
    return json.loads(zenith("api-keys", "list", "--json").stdout)["keys"]


def test_a_key_is_made_listed_rotated_and_revoked(zenith, tmp_path):
    register(tmp_path, "ada@example.org")
    made = make(
        zenith, "export", "--scope", "posts:read", "--scope", "a:b", "--owner", "Ada@example.org"
    )
    key = made.pop("key")
    assert is_key(key)
    assert made["scopes"] == ["a:b", "posts:read"]
    assert made["owner_id"].endswith("ada@example.org")
    assert listed(zenith) == [made]
    table = zenith("api-keys", "list").stdout
    assert made["prefix"] in table
    assert key not in table
    rotated = zenith("api-keys", "rotate", made["id"], "--overlap", "60", "--json")
    assert json.loads(rotated.stdout)["key"] != key
    ended = zenith("api-keys", "revoke", made["id"])
    assert ended.stdout == "the key is revoked\n"
    again = zenith("api-keys", "revoke", made["id"], "--json")
    assert json.loads(again.stdout) == {"id": made["id"], "revoked": False}
    assert "before" in zenith("api-keys", "revoke", made["id"]).stdout
    assert {row["revoked_at"] is None for row in listed(zenith)} == {True, False}


def test_a_key_of_a_service_is_shown_once_for_people(zenith):
    more = ("--days", "3", "--rate-limit", "10", "--thumbprint", "A" * 43)
    answer = zenith("api-keys", "create", "billing", *more)
    assert is_key(answer.stdout.splitlines()[0])
    assert "cannot be shown again" in answer.stdout
    (row,) = listed(zenith)
    assert (row["owner_id"], row["rate_limit"], row["thumbprint"]) == (None, 10, "A" * 43)


def test_pages_follow_each_other(zenith, monkeypatch):
    monkeypatch.setattr("zenith.cli.api_keys.PAGE", 1)
    for name in ("one", "two"):
        make(zenith, name)
    first = zenith("api-keys", "list").stdout
    assert "two" in first
    assert "one" not in first
    cursor = first.splitlines()[-1].rpartition(" ")[2]
    rest = zenith("api-keys", "list", "--after", cursor)
    assert "one" in rest.stdout
    assert "more:" not in rest.stdout


def test_what_is_wrong_is_said(zenith):
    for arguments, code, text in (
        (("create", "x", "--owner", "nobody@example.org"), 1, "no account"),
        (("create", "x", "--scope", "a b"), 2, "Write scopes as words"),
        (("create", ""), 2, "Give the key a name"),
        (("create", "x", "--days", "0"), 2, ""),
        (("create", "x", "--thumbprint", "abc"), 2, "43 characters"),
        (("revoke", "unknown"), 1, "no such key"),
        (("rotate", "unknown"), 1, "no such key"),
        (("list", "--after", "x"), 2, "no cursor"),
    ):
        answer = zenith("api-keys", *arguments)
        assert answer.exit_code == code, arguments
        assert text in answer.output
    off = zenith("api-keys", "list", ZENITH_API_KEYS="off")
    assert off.exit_code == 2
    assert "API keys are off" in off.output


def test_a_key_of_a_tenant(zenith, tmp_path):
    register(tmp_path, "ada@example.org")
    wanted = ("api-keys", "create", "export", "--owner", "ada@example.org", "--tenant", "acme")
    assert "There are no tenants here" in zenith(*wanted).output
    tenants = {"ZENITH_TENANTS__HEADER": "X-Tenant"}
    assert "does not belong" in zenith(*wanted, **tenants).output
    given = zenith("roles", "grant", "ada@example.org", "user", "--tenant", "acme")
    assert given.exit_code == 0, given.output
    made = zenith(*wanted, "--json", **tenants)
    assert json.loads(made.stdout)["tenant"] == "acme"
    (row,) = listed(zenith)
    assert row["tenant"] == "acme"
    assert "acme" in zenith("api-keys", "list").stdout
