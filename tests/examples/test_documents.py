"""What the tutorial `who-may-what.md` says of its application, asked by people of two companies.

The roles are made and given by the tutorial's own commands.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from tests.docs.pages import ROOT, Page
from zenith import Zenith
from zenith.accounts import Account
from zenith.cli.application import application
from zenith.query import Query
from zenith.tenants import tenant_scope
from zenith.testing import cross_tenants

pytestmark = pytest.mark.asyncio(loop_scope="module")
TUTORIAL = Page(ROOT / "docs" / "tutorial" / "who-may-what.md")
MODULE = "examples.documents.app"
ORIGIN = "http://localhost:8000"
PEOPLE = {
    "olga": "acme",
    "ed": "acme",
    "rita": "acme",
    "paul": "acme",
    "eve": "bolt",
    "nemo": "",
}
NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=UTC)
ENVIRONMENT = {
    "ZENITH_PASSWORDS__PROFILE": "testing",
    "ZENITH_RATE_LIMITS__PER_ADDRESS": "100000/minute",
}


def commands(verb: str) -> list[list[str]]:
    """The tutorial's `zenith roles ...` lines, split as a shell does."""
    lines = [line for block in TUTORIAL.blocks("sh") for line in block.text.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"zenith roles {verb} ")]


def call(arguments: list[str]) -> str:
    """What a command prints."""
    done = CliRunner().invoke(application, arguments, prog_name="zenith")
    assert done.exit_code == 0, done.output
    return done.output


def call_all(found: list[list[str]]) -> None:
    assert found
    for arguments in found:
        call(arguments)


@dataclass
class Store:
    """The application, and somebody who asks it."""

    module: ModuleType
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def app(self) -> Zenith:
        found: Zenith = self.module.app
        return found

    async def create_account(self, name: str) -> None:
        email = f"{name}@{PEOPLE[name] or 'nowhere'}.example"
        account = Account(id=name, email=email, email_key=email, roles=("user",), created_at=1.0)
        await self.app.accounts.store.create(account)

    async def sign_in(self, name: str) -> None:
        session, _ = await self.app.accounts.sessions.start(
            name, kind="api", address="", user_agent="", factors={}
        )
        issued = await self.app.accounts.grants.access(session)
        transport = httpx.ASGITransport(app=self.app)
        headers = {"Authorization": f"Bearer {issued.token}"}
        self.clients[name] = httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers=headers
        )

    async def ask(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.clients[name].request(method, path, **more)

    async def write(self, name: str = "ed", department: str = "finance", **more: Any) -> int:
        """A new document's number."""
        body = {"title": "Plan", "department": department, **more}
        answer = await self.ask(name, "POST", "/documents", json=body)
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    async def statuses(self, method: str, path: str, *names: str, **more: Any) -> list[int]:
        return [(await self.ask(name, method, path, **more)).status_code for name in names]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory) -> AsyncIterator[Store]:
    home = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "ZENITH_HOME": str(home)}.items():
            patch.setenv(name, value)
        patch.chdir(home)
        await asyncio.to_thread(call_all, commands("create"))
        made = Store(importlib.import_module(MODULE))
        transport = httpx.ASGITransport(app=made.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as anybody:
            made.clients["nobody"] = anybody
            assert (await anybody.get("/readyz")).status_code == 200
            for name in PEOPLE:
                await made.create_account(name)
            await asyncio.to_thread(call_all, commands("grant"))
            for name in PEOPLE:
                await made.sign_in(name)
            yield made
        for client in made.clients.values():
            await client.aclose()
        await made.app.middleware_stack.stop()


@pytest.fixture
def at(monkeypatch):
    """Sets the time that policies are told."""

    def set_time(moment: datetime) -> None:
        module = importlib.import_module("zenith.authorization.authorize")
        monkeypatch.setattr(module, "wall_clock", moment.timestamp)

    return set_time


async def test_a_role_says_who_may_write_and_count(store):
    """ "Rita reads and gets 403; Ed writes; only Olga counts"; strangers sign in first."""
    body = {"title": "Budget", "department": "finance"}
    who = ("olga", "ed", "rita", "paul", "nobody")
    found = {
        "`POST /documents`": await store.statuses("POST", "/documents", *who, json=body),
        "`GET /numbers`": await store.statuses("GET", "/numbers", *who),
    }
    for name, statuses in found.items():
        assert f"| {name} | {' | '.join(map(str, statuses))} |" in TUTORIAL.text


async def test_commands_print_what_the_tutorial_shows(store):
    """But for the handlers' names in the table of routes."""
    shown = {block.text.partition("\n")[0]: block.text for block in TUTORIAL.blocks("console")}
    listed = await asyncio.to_thread(call, ["roles", "list"])
    lines = [line.rstrip() for line in shown["$ zenith roles list"].splitlines()[1:]]
    assert [line.split() for line in listed.splitlines()] == [line.split() for line in lines]
    table = json.loads(await asyncio.to_thread(call, ["routes", f"{MODULE}:app", "--json"]))
    routes = [
        [*route["methods"], route["path"], "; ".join(route["access"] + route["masks"])]
        for route in table["routes"]
        if route["endpoint"].startswith(MODULE)
    ]
    assert not any(route["unchecked"] for route in table["routes"])
    lines = shown["$ zenith routes main:app"].splitlines()[1:]
    assert routes == [line.split(maxsplit=2) for line in lines]


async def test_a_role_is_asked_before_the_body_is_read(store):
    answer = await store.ask("rita", "POST", "/documents", content=b"not json")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "Permission denied: documents:create required"


async def test_a_client_says_neither_whose_nor_which_companys_it_is(store):
    for field_name in ("owner_id", "tenant", "locked", "public", "id"):
        body = {"title": "x", "department": "finance", field_name: "rita"}
        assert await store.statuses("POST", "/documents", "ed", json=body) == [422]
    number = await store.write()
    found = (await store.ask("ed", "GET", f"/documents/{number}")).json()
    assert (found["owner_id"], found["locked"], found["public"]) == ("ed", False, False)


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30, -(2**63)])
async def test_a_number_that_no_document_can_have_is_no_document(store, number):
    assert await store.statuses("GET", f"/documents/{number}", "ed", "nobody") == [404, 401]
    assert await store.statuses("DELETE", f"/documents/{number}", "olga") == [404]


async def test_a_role_counts_in_its_company_only(store):
    """Nobody is a member by an account alone, and none by a role elsewhere."""
    assert await store.statuses("GET", "/documents", "nemo", "eve") == [403, 200]
    named = {"X-Tenant": "acme"}
    assert await store.statuses("GET", "/numbers", "olga", "eve", headers=named) == [200, 403]


async def test_a_policy_says_who_reads_which(store):
    """Owner, department and company admin; others are told that there is none."""
    number = await store.write()
    path = f"/documents/{number}"
    who = ("nobody", "ed", "rita", "paul", "olga", "eve")
    assert await store.statuses("GET", path, *who) == [401, 200, 200, 404, 200, 404]
    hidden = (await store.ask("paul", "GET", path)).json()
    missing = (await store.ask("paul", "GET", "/documents/999999")).json()
    assert {**hidden, "instance": ""} == {**missing, "instance": ""}


async def test_a_department_reads_without_salaries(store, at):
    """ "Rita sees no salary of Ed's document. Paul sees those of his department"."""
    finance = await store.write(salary=5000)
    people = await store.write("olga", "people", salary=7000)
    seen = {}
    for name, number in [("ed", finance), ("rita", finance), ("olga", people), ("paul", people)]:
        seen[name] = (await store.ask(name, "GET", f"/documents/{number}")).json()
    assert [seen[name].get("salary") for name in ("ed", "olga", "paul")] == [5000, 7000, 7000]
    assert "salary" not in seen["rita"]
    assert seen["rita"]["title"] == "Plan"
    published = f"/documents/{finance}"
    at(NOON)
    assert await store.statuses("POST", f"{published}/publish", "ed") == [200]
    assert "salary" not in (await store.ask("paul", "GET", published)).json()


async def test_a_change_is_for_owners_and_editors_and_not_of_what_is_locked(store):
    """403 for who may read it, 404 for who may not."""
    number = await store.write("olga")
    path, body = f"/documents/{number}", {"title": "New", "version": 1}
    who = ("nobody", "rita", "paul", "ed")
    assert await store.statuses("PUT", path, *who, json=body) == [401, 403, 404, 200]
    assert await store.statuses("PUT", path, "ed", json=body) == [409]
    assert await store.statuses("PUT", f"{path}/locked?locked=true", "ed", "olga") == [403, 200]
    body = {"title": "Newer", "version": 3}
    assert await store.statuses("PUT", path, "ed", "olga", json=body) == [403, 403]
    assert await store.statuses("PUT", f"{path}/locked?locked=false", "olga") == [200]
    assert await store.statuses("PUT", path, "ed", json={**body, "version": 4}) == [200]


async def test_a_list_holds_what_each_look_would_show(store):
    title = "listed"
    await store.write("olga", "people", title=title, salary=2)
    mine = await store.write(title=title, salary=1)
    rows = {}
    for name in ("ed", "rita", "paul", "olga", "eve"):
        answer = await store.ask(name, "GET", f"/documents?title={title}")
        rows[name] = answer.json()["items"]
    departments = {name: [row["department"] for row in found] for name, found in rows.items()}
    assert departments == {
        "ed": ["finance"],
        "rita": ["finance"],
        "paul": ["people"],
        "olga": ["people", "finance"],
        "eve": [],
    }
    assert [row.get("salary") for row in rows["rita"] + rows["ed"] + rows["paul"]] == [None, 1, 2]
    assert "salary" not in rows["rita"][0]
    # The query leaves out what is not hers, not only the mask: her page is full.
    first = (await store.ask("rita", "GET", f"/documents?title={title}&size=1")).json()
    assert ([row["id"] for row in first["items"]], first["next"]) == ([mine], None)
    for name, found in rows.items():
        single = await store.ask(name, "GET", f"/documents/{mine}")
        assert (single.status_code == 200) == (mine in [row["id"] for row in found])


async def test_clients_filter_and_sort_by_what_is_declared(store):
    """A filter by salary would tell it, number by number."""
    for query in ("salary=1", "salary__gt=1", "sort=salary", "tenant=bolt", "owner_id=ed"):
        assert await store.statuses("GET", f"/documents?{query}", "rita") == [422]
    found = await store.ask("rita", "GET", "/documents?department=finance&sort=-id")
    numbers = [row["id"] for row in found.json()["items"]]
    assert numbers == sorted(numbers, reverse=True)


async def test_publishing_needs_the_role_and_the_policy(store, at):
    """The role first: Rita gets 403 of whatever number. Then the policy: not at night, and not
    what Ed's department does not have."""
    number = await store.write("olga")
    foreign = await store.write("olga", "people")
    path = f"/documents/{number}/publish"
    at(NIGHT)
    assert await store.statuses("POST", path, "rita", "ed", "olga") == [403, 403, 403]
    assert await store.statuses("POST", "/documents/999999/publish", "rita") == [403]
    at(NOON)
    assert await store.statuses("POST", path, "nobody", "rita", "ed") == [401, 403, 200]
    assert await store.statuses("POST", f"/documents/{foreign}/publish", "ed") == [404]
    assert await store.statuses("GET", f"/documents/{number}", "paul", "eve") == [200, 404]


async def test_editors_delete_their_own_and_company_admins_all_but_nobody_what_is_locked(store):
    own, other, locked = await store.write(), await store.write("olga"), await store.write()
    assert await store.statuses("PUT", f"/documents/{locked}/locked?locked=true", "olga") == [200]
    assert await store.statuses("DELETE", f"/documents/{own}", "nobody", "rita") == [401, 403]
    assert await store.statuses("DELETE", f"/documents/{other}", "paul", "ed") == [403, 404]
    assert await store.statuses("DELETE", f"/documents/{locked}", "ed", "olga") == [403, 403]
    assert await store.statuses("DELETE", f"/documents/{own}", "ed", "ed") == [204, 404]
    assert await store.statuses("DELETE", f"/documents/{other}", "olga") == [204]


async def test_without_a_tenant_there_is_no_document(store):
    """Code that names no tenant gets an error, not everybody's documents."""
    query: Query[Any] = store.module.Document.where()
    async with store.app.models.open():
        with pytest.raises(Exception, match="tenant"):
            await query.all()
    with tenant_scope("bolt"):
        async with store.app.models.open():
            assert await query.count() == 0


async def test_no_route_lets_another_company_through(store):
    """The strongest role elsewhere opens nothing here."""
    number = await store.write("olga", title="acme-secret-5b1e")
    report = await cross_tenants(
        store.app,
        own=store.clients["olga"],
        other=store.clients["eve"],
        parameters={"document_id": number},
        markers=["acme-secret-5b1e"],
        bodies={f"/documents/{number}": {"title": "stolen", "version": 1}},
    )
    assert not [line for line in report.problems if "/documents" in line]
    tried = {str(each) for each in report.crossings if f"/documents/{number}" in each.path}
    assert {
        f"GET /documents/{number}: 404",
        f"PUT /documents/{number}: 404",
        f"DELETE /documents/{number}: 404",
        f"PUT /documents/{number}/locked: 404",
        f"POST /documents/{number}/publish: 404",
    } == tried
