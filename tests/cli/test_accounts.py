from __future__ import annotations

import asyncio
import json

import pytest

from zenith.accounts import Account, Client
from zenith.assembly import assemble
from zenith.settings import Settings

PASSWORD = "an honest river of stones"


def in_home(tmp_path, work):
    """Do something with the application of the test's home."""

    async def whole():
        variables = {
            "ZENITH_HOME": str(tmp_path / "home"),
            "ZENITH_PASSWORDS__PROFILE": "testing",
            "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
        }
        assembly = assemble(Settings.from_env(variables, dotenv=None))
        await assembly.start()
        try:
            return await work(assembly)
        finally:
            await assembly.stop()

    return asyncio.run(whole())


def register(tmp_path, *emails, roles=("user",)):
    async def work(assembly):
        for number, email in enumerate(emails):
            account = Account(
                id=f"{number:03}-{email}", email=email, email_key=email, roles=roles, created_at=0.0
            )
            assert await assembly.accounts.store.create(account)

    in_home(tmp_path, work)


def test_nobody(zenith):
    assert zenith("accounts", "list").stdout == "no accounts\n"
    answer = zenith("accounts", "list", "--json")
    assert json.loads(answer.stdout) == {"accounts": [], "after": None}


def test_a_list_for_people_and_one_for_programs(zenith, tmp_path):
    register(tmp_path, "ann@example.org")
    head, row = zenith("accounts", "list").stdout.splitlines()
    assert head.split() == ["email", "roles", "state", "created", "id"]
    assert row.split() == ["ann@example.org", "user", "open", "1970-01-01", "00:00",
                           "000-ann@example.org"]  # fmt: skip
    (found,) = json.loads(zenith("accounts", "list", "--json").stdout)["accounts"]
    assert found == {
        "id": "000-ann@example.org",
        "email": "ann@example.org",
        "name": "",
        "roles": ["user"],
        "permissions": [],
        "locked": False,
        "created_at": "1970-01-01T00:00:00+00:00",
        "last_sign_in_at": None,
    }


def test_pages(zenith, tmp_path):
    register(tmp_path, *(f"n{number:03}@example.org" for number in range(60)))
    first = zenith("accounts", "list", "--search", "example")
    assert (
        "more: zenith accounts list --search 'example' --after 'n049@example.org'" in first.stdout
    )
    assert "more: zenith accounts list --after 'n049" in zenith("accounts", "list").stdout
    second = zenith("accounts", "list", "--after", "n049@example.org")
    assert second.stdout.count("@example.org") == 20
    assert "more" not in second.stdout
    assert json.loads(zenith("accounts", "list", "--json").stdout)["after"] == "n049@example.org"


def test_lock_ends_everything(zenith, tmp_path):
    register(tmp_path, "root@example.org", roles=("super_admin",))
    client = Client.local()

    async def sign_in(assembly):
        await assembly.accounts.registration.register("ann@example.org", PASSWORD, client=client)
        await assembly.accounts.sign_in.with_tokens("ann@example.org", PASSWORD, client=client)

    async def sessions(assembly):
        account = await assembly.accounts.store.by_email("ann@example.org")
        return len(await assembly.accounts.sessions.list(account.id))

    in_home(tmp_path, sign_in)
    assert in_home(tmp_path, sessions) == 1
    assert zenith("accounts", "lock", "Ann@Example.org").stdout == "the account is now locked\n"
    assert in_home(tmp_path, sessions) == 0
    assert "already locked" in zenith("accounts", "lock", "ann@example.org").stdout
    assert " locked " in zenith("accounts", "list").stdout
    assert "now open" in zenith("accounts", "unlock", "ann@example.org").stdout
    assert "already open" in zenith("accounts", "unlock", "ann@example.org").stdout


@pytest.mark.parametrize(
    ("email", "code", "said"),
    [
        ("nobody@example.org", 1, "no account has this e-mail address"),
        ("nonsense", 2, "Enter a valid e-mail address"),
        ("root@example.org", 1, "last administrator"),
    ],
)
def test_what_cannot_be_locked(zenith, tmp_path, email, code, said):
    register(tmp_path, "root@example.org", roles=("super_admin",))
    result = zenith("accounts", "lock", email)
    assert result.exit_code == code
    assert said in result.stderr
