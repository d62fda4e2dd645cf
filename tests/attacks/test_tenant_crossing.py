"""The attack: somebody of one tenant asks for another's data: by id, by header, by host, by what a
row refers to, by what a client may filter and sort by (ASVS 8.4.1).

A whole application: accounts, roles assigned in tenants, models, routes as people write them.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlmodel import Field

from tests.accounts.application import (
    ALICE,
    ORIGIN,
    browse,
    make_app,
    make_settings,
    running,
)
from zenith.app import Zenith
from zenith.authorization import authenticated
from zenith.cli.accounts import operator
from zenith.query import ModelSession, ZenithModel, get_session, open_session
from zenith.tenants import TenantModel, TenantSettings, tenant_scope
from zenith.testing import cross_tenants

SECRET = {"acme": "acme-plans-7f3a", "bolt": "bolt-plans-91cc"}
PASSWORD = "a long enough passphrase"
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Plan(TenantModel, ZenithModel, table=True):
    """What only its tenant may know."""

    __tablename__ = "attack_plans"
    __writable__ = ("text", "parent_id")
    __filterable__ = ("text", "id")
    __sortable__ = ("text", "id")
    id: int | None = Field(default=None, primary_key=True)
    text: str
    parent_id: int | None = Field(default=None, foreign_key="attack_plans.id")


class Change(BaseModel):
    """What a client sends, and more if it likes."""

    model_config = {"extra": "allow"}
    text: str = "changed"
    parent_id: int | None = None


class Own(BaseModel):
    """The same, where nothing else is taken."""

    text: str = "changed"
    parent_id: int | None = None


def reading(app: Zenith) -> None:
    @app.get("/plans")
    @authenticated
    async def plans() -> list[Plan]:
        return await Plan.where().all()

    @app.get("/search")
    @authenticated
    async def search(text: str = "", sort: str = "") -> list[Plan]:
        return await Plan.from_client({"text": text} if text else {}, sort).all()

    @app.get("/count")
    @authenticated
    async def count(session: Annotated[ModelSession, Depends(get_session)]) -> int:
        return (await session.exec(select(func.count()).select_from(Plan))).scalar_one()

    @app.get("/plans/{plan_id}")
    @authenticated
    async def plan(plan_id: int) -> Plan:
        return await the_plan(plan_id)

    @app.get("/unsafe/{plan_id}")
    @authenticated
    async def by_session(
        plan_id: int, session: Annotated[ModelSession, Depends(get_session)]
    ) -> Plan:
        found = await session.get(Plan, plan_id)
        if found is None:
            raise HTTPException(404)
        return found


async def the_plan(plan_id: int) -> Plan:
    found = await Plan.get(plan_id)
    if found is None:
        raise HTTPException(404)
    return found


def writing(app: Zenith) -> None:
    @app.post("/plans")
    @authenticated
    async def create(change: Change) -> Plan:
        return await Plan.create(**change.model_dump())

    @app.put("/plans/{plan_id}")
    @authenticated
    async def update(plan_id: int, change: Own) -> Plan:
        return await (await the_plan(plan_id)).update(**change.model_dump(exclude_unset=True))

    @app.delete("/plans/{plan_id}", status_code=204)
    @authenticated
    async def delete(plan_id: int) -> None:
        await (await the_plan(plan_id)).delete()


class World:
    """The application with Ada in acme, Bob in bolt, and what each of them has."""

    def __init__(self, app: Zenith) -> None:
        self.app = app
        self.ids: dict[str, int] = {}
        self.clients: dict[str, httpx.AsyncClient] = {}

    async def hire(self, email: str, **roles: str) -> httpx.AsyncClient:
        """A new member who is signed in and holds one role in each of these tenants."""
        transport = httpx.ASGITransport(app=self.app)
        client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self.clients[email] = client
        sent = {"email": email, "password": PASSWORD}
        registered = await client.post("/auth/register", json=sent)
        assert registered.status_code == 201, registered.text
        for tenant, role in roles.items():
            await self.assign(email, tenant, role)
        signed_in = await client.post("/auth/login", json=sent)
        client.headers["authorization"] = f"Bearer {signed_in.json()['access_token']}"
        return client

    async def assign(self, email: str, tenant: str, role: str) -> None:
        account = await self.app.accounts.store.by_email(email)
        assignments = self.app.accounts.assignments
        await assignments.grant(
            operator(self.app.assembly), account.id, role, tenant=tenant, client=ALICE
        )

    async def dismiss(self, email: str, tenant: str, role: str = "user") -> None:
        account = await self.app.accounts.store.by_email(email)
        assignments = self.app.accounts.assignments
        await assignments.revoke(
            operator(self.app.assembly), account.id, role, tenant=tenant, client=ALICE
        )

    async def enter(self, tenant: str) -> None:
        client = await self.hire(f"somebody@{tenant}.example", **{tenant: "user"})
        self.clients[tenant] = client
        made = await client.post("/plans", json={"text": SECRET[tenant]})
        assert made.status_code == 200, made.text
        self.ids[tenant] = made.json()["id"]

    async def key(self, client: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, str]:
        """What a request with a new key of this member sends."""
        wanted = {"name": "export", "scopes": scopes, **more}
        made = await client.post("/auth/api-keys", json=wanted)
        assert made.status_code == 201, made.text
        return {"X-API-Key": made.json()["key"]}

    async def with_key(
        self, key: dict[str, str], path: str = "/plans", tenant: str = "", **more: Any
    ) -> httpx.Response:
        """As nobody but the key."""
        headers = key | ({"X-Tenant": tenant} if tenant else {})
        async with browse(self.app) as client:
            method = more.pop("method", "GET")
            return await client.request(method, path, headers=headers, **more)

    @property
    def foreign(self) -> int:
        return self.ids["bolt"]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """As Ada, of acme."""
        return await self.clients["acme"].request(method, path, **more)

    async def is_untouched(self) -> bool:
        """Whether bolt has what it had."""
        answer = await self.clients["bolt"].get("/plans")
        return [row["text"] for row in answer.json()] == [SECRET["bolt"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    app = make_app(home, settings=make_settings(home, tenants=TenantSettings()))
    reading(app)
    writing(app)
    made = World(app)
    async with running(app):
        for tenant in SECRET:
            await made.enter(tenant)
        yield made
        for client in {id(each): each for each in made.clients.values()}.values():
            await client.aclose()


async def test_no_route_lets_another_tenant_through(world):
    report = await cross_tenants(
        world.app,
        own=world.clients["bolt"],
        other=await world.hire("other@acme.example", acme="user"),
        parameters={"plan_id": world.foreign},
        markers=[SECRET["bolt"]],
        bodies={f"/plans/{world.foreign}": {"text": "stolen"}},
    )
    ours = [each for each in report.crossings if each.path.startswith(("/plans", "/unsafe"))]
    assert len(ours) == 6
    assert not [line for line in report.problems if "/auth" not in line]


async def test_ids(world):
    paths = ("/plans/{}", "/plans/{}?plan_id=1", "/plans/0{}", "/plans/+{}", "/plans/{}.0")
    for method, path in itertools.product(("GET", "PUT", "DELETE"), paths):
        body = {"text": "x"} if method == "PUT" else None
        answer = await world.ask(method, path.format(world.foreign), json=body)
        assert answer.status_code == 404, (method, path, answer.text)
        assert SECRET["bolt"] not in answer.text
    assert await world.is_untouched()


async def test_bodies(world):
    for change in [
        {"tenant": "bolt"},
        {"Tenant": "bolt"},
        {"id": 2, "tenant": "bolt"},
        {"zenith_tenant": "bolt"},
        {"parent": {"tenant": "bolt"}},
    ]:
        answer = await world.ask("POST", "/plans", json={"text": "x", **change})
        assert answer.status_code == 422, answer.text
        assert await world.is_untouched()


async def test_references(world):
    for body in ({"text": "x", "parent_id": world.foreign}, {"text": "x", "parent_id": 99_999}):
        answer = await world.ask("POST", "/plans", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "unknown_reference"
    answer = await world.ask(
        "PUT", f"/plans/{world.ids['acme']}", json={"parent_id": world.foreign}
    )
    assert answer.status_code == 422, answer.text


async def test_filters(world):
    for query in [
        "?text=" + SECRET["bolt"],
        "?text=" + SECRET["bolt"] + "' OR '1'='1",
        "?sort=tenant",
        "?sort=-tenant",
        "?sort=text) UNION SELECT * FROM attack_plans --",
        "?tenant=bolt",
        "?text[tenant]=bolt",
        "?text=%25",
    ]:
        answer = await world.ask("GET", f"/search{query}")
        assert answer.status_code == (422 if query.startswith("?sort") else 200)
        assert SECRET["bolt"] not in answer.text.replace(query.removeprefix("?text="), "")
        assert '"tenant":"bolt"' not in answer.text


async def test_a_tenant_that_is_named(world):
    for named in ["bolt", "BOLT", "bolt ", "*", "acme,bolt", "none", "%62olt"]:
        answer = await world.ask("GET", "/plans", headers={"X-Tenant": named})
        assert answer.status_code == (400 if named in ("bolt ", "*") else 403), named
        assert SECRET["bolt"] not in answer.text


async def test_counts(world):
    assert (await world.ask("GET", "/count")).json() == 1


async def test_who_belongs_to_both_sees_one_at_a_time(world):
    both = await world.hire("both@example.org", acme="user", bolt="user")
    for tenant in SECRET:
        answer = await both.get("/plans", headers={"X-Tenant": tenant})
        assert {row["tenant"] for row in answer.json()} == {tenant}
    answer = await both.get("/plans")
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_required")


async def test_a_tenants_administrator_reads_of_no_other(world):
    chief = await world.hire("chief@acme.example", acme="super_admin")
    other = await world.app.accounts.store.by_email("somebody@bolt.example")
    inside = await world.key(chief, "*", tenant="acme")
    assert (await world.with_key(inside)).status_code == 200
    for method, path in (
        ("GET", "/auth/admin/roles"),
        ("GET", "/auth/admin/roles/user/holders"),
        ("GET", f"/auth/admin/accounts/{other.id}/roles"),
        ("POST", f"/auth/admin/accounts/{other.id}/roles"),
        ("PUT", f"/auth/admin/accounts/{other.id}/permissions"),
        ("GET", "/auth/api-keys/all"),
        ("POST", "/auth/introspect"),
    ):
        for named in ({}, {"X-Tenant": "acme"}):
            answer = await chief.request(method, path, json={}, headers=named)
            assert answer.status_code == 403, (method, path, answer.text)
        assert (await world.with_key(inside, path, method=method, json={})).status_code == 403
    for named in ({}, {"X-Tenant": "acme"}):
        answer = await chief.get("/plans", headers=named)
        assert [row["text"] for row in answer.json()] == [SECRET["acme"]]
        for body, status in (
            ({"name": "x", "scopes": ["*"], "service": True}, 403),
            ({"name": "x", "scopes": ["*"]}, 422),
            ({"name": "x", "tenant": "acme", "service": True}, 403),
        ):
            answer = await chief.post("/auth/api-keys", json=body, headers=named)
            assert answer.status_code == status, answer.text
    theirs = await world.clients["bolt"].post("/auth/api-keys", json={"name": "x"})
    answer = await chief.delete(f"/auth/api-keys/{theirs.json()['id']}")
    assert answer.status_code == 404


async def test_a_key_reads_its_tenant_only(world):
    both = await world.hire("keys@example.org", acme="user", bolt="user")
    for tenant, other in (("acme", "bolt"), ("bolt", "acme")):
        key = await world.key(both, tenant=tenant)
        for named in ("", tenant):
            answer = await world.with_key(key, tenant=named)
            assert [row["text"] for row in answer.json()] == [SECRET[tenant]]
        assert (await world.with_key(key, f"/plans/{world.ids[other]}")).status_code == 404
        for named in (other, "none", "*", f"{tenant},{other}"):
            answer = await world.with_key(key, tenant=named)
            assert answer.status_code == (400 if named == "*" else 403), named
    outside = await world.key(both)
    for named in ("", "acme", "bolt"):
        assert (await world.with_key(outside, tenant=named)).status_code == 403


async def test_a_key_for_a_tenant_of_others_cannot_be_made(world):
    refusals = set()
    for tenant in ("bolt", "none", "*"):
        body = {"name": "x", "tenant": tenant}
        answer = await world.ask("POST", "/auth/api-keys", json=body)
        assert answer.status_code == 422
        refusals.add(str(answer.json()["detail"]))
    assert len(refusals) == 1
    made = await world.key(world.clients["acme"], "api_keys:write", tenant="acme")
    for body in ({"name": "x"}, {"name": "x", "tenant": "bolt"}):
        answer = await world.with_key(made, "/auth/api-keys", method="POST", json=body)
        assert answer.status_code == 422


async def test_who_was_dismissed_keeps_no_key(world):
    leaving = await world.hire("leaving@acme.example", acme="user", bolt="user")
    keys = {name: await world.key(leaving, tenant=name) for name in SECRET}
    for key in keys.values():
        assert (await world.with_key(key)).status_code == 200
    await world.dismiss("leaving@acme.example", "acme")
    assert (await world.with_key(keys["acme"])).status_code == 401
    assert (await world.with_key(keys["bolt"])).status_code == 200


async def test_code_that_works_for_another_says_so(world):
    with tenant_scope("bolt"):
        async with world.app.assembly.models.open():
            assert [plan.text for plan in await Plan.where().all()] == [SECRET["bolt"]]
            async with open_session():
                assert await Plan.where().count() == 1
