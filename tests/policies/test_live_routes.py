"""A policy of a store, declared on routes: nothing has to be started for it."""

import json
from collections.abc import AsyncIterable, Iterable
from typing import Annotated, Any

import pytest
from anyio import from_thread
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel
from sqlmodel import Field, SQLModel

from tests.authorization.documents import call
from tests.authorization.people import protect
from zenith.authorization import AllOf, allowed, masked, public
from zenith.authorization.authorize import refreshed
from zenith.policies import DecisionRecorder, LivePolicy, Policy, PolicyVersions
from zenith.stores.memory import MemoryDecisionStore, MemoryPolicyStore


class Paper(BaseModel):
    title: str = "t"
    wage: int = 4711


class LivePaper(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class World:
    """A policy, the store of its versions, and what it is asked."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryPolicyStore()
        self.policy = LivePolicy("papers", self.store, steady=self.clock)

    async def show(self, *fields: str) -> None:
        """Put a version in force that shows these fields; time goes on."""
        rules = [{"action": "read", "fields": list(fields), "conditions": []}]
        versions = PolicyVersions(self.store)
        text = json.dumps({"name": "papers", "rules": rules})
        version = await versions.add(text, "json", by="ada", reason="asked for")
        await versions.activate("papers", version.number, by="ada", reason="reviewed")
        self.clock.now += 100.0


@pytest.fixture
def world() -> World:
    return World()


def routes(policy: Any) -> FastAPI:
    router = APIRouter()
    hidden = masked(policy)
    paper = Paper()

    @router.get("/later")
    @public
    @hidden
    async def later() -> Paper:
        return paper

    @router.get("/thread")
    @public
    @hidden
    def in_thread() -> Paper:
        return paper

    @router.get("/stream")
    @public
    @hidden
    async def stream() -> AsyncIterable[Paper]:
        yield paper

    @router.get("/stream-thread")
    @public
    @hidden
    def stream_in_thread() -> Iterable[Paper]:
        yield paper

    @router.get("/rows")
    async def rows(rows: Annotated[Any, Depends(allowed(policy, "read", LivePaper))]) -> str:
        return str(rows.compile(compile_kwargs={"literal_binds": True}))

    app = FastAPI()
    app.include_router(router)
    return app


@pytest.mark.parametrize("path", ["/later", "/thread", "/stream", "/stream-thread"])
@pytest.mark.parametrize("several", [False, True])
async def test_masks_are_those_of_the_version_in_force(world, path, several):
    everything = Policy("all", [{"action": "read", "conditions": []}])
    app = protect(routes(AllOf(everything, world.policy) if several else world.policy))
    await world.show("title")
    assert (await call(app, "GET", path)).body.strip() == b'{"title":"t"}'
    await world.show("title", "wage")
    assert (await call(app, "GET", path)).body.strip() == b'{"title":"t","wage":4711}'
    await world.show("wage")
    assert (await call(app, "GET", path)).body.strip() == b'{"wage":4711}'


async def test_lists_are_filtered_by_the_version_in_force(world):
    app = protect(routes(world.policy))
    assert (await call(app, "GET", "/rows")).status == 503
    await world.show("title")
    first = await call(app, "GET", "/rows")
    assert first.status == 200
    versions = PolicyVersions(world.store)
    text = json.dumps({"name": "papers", "rules": [{"action": "read", "effect": "deny"}]})
    version = await versions.add(text, "json", by="ada", reason="nobody")
    await versions.activate("papers", version.number, by="ada", reason="nobody")
    world.clock.now += 1.0
    assert (await call(app, "GET", "/rows")).body != first.body


async def test_decisions_are_recorded_though_nothing_was_started(world):
    kept = MemoryDecisionStore()
    policy = LivePolicy("papers", world.store, recorder=DecisionRecorder(kept), steady=world.clock)
    await world.show("title")
    await policy.refresh()
    assert policy.evaluate({"id": "ada"}, {}, "read")
    assert await kept.recent("papers", limit=10) == []
    world.clock.now += 1.0
    await policy.refresh()
    assert [each.action for each in await kept.recent("papers", limit=10)] == ["read"]


def test_each_item_of_a_thread_has_the_loop_ask(world, monkeypatch):
    """The same in this thread, where the measure of branches sees it."""
    asked: list[Any] = []
    monkeypatch.setattr(from_thread, "run", lambda work, *given: asked.append((work, *given)))
    mark = masked(world.policy)
    assert list(mark._each(iter("ab"), str.upper)) == ["A", "B"]
    assert asked == [(refreshed, world.policy)] * 2
    assert list(masked(Policy("all", []))._each(iter("ab"), str.upper)) == ["A", "B"]
    assert len(asked) == 2
