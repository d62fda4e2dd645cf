"""An application is started and stopped around a test."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from zenith import Settings, Zenith
from zenith.passwords import PasswordSettings
from zenith.testing import running


def recorded(seen, *, start=None, stop=None):
    @asynccontextmanager
    async def lifespan(app):
        seen.append("start")
        if start is not None:
            raise start
        yield
        seen.append("stop")
        if stop is not None:
            raise stop

    return FastAPI(lifespan=lifespan)


async def test_it_starts_and_stops_also_where_the_test_fails():
    seen = []
    async with running(recorded(seen)):
        assert seen == ["start"]
    assert seen == ["start", "stop"]
    with pytest.raises(KeyError):
        async with running(recorded(seen)):
            raise KeyError
    assert seen == ["start", "stop"] * 2


async def test_what_the_start_and_the_stop_raise_is_raised():
    seen = []
    with pytest.raises(OSError, match="no start"):
        async with running(recorded(seen, start=OSError("no start"))):
            seen.append("inside")
    with pytest.raises(OSError, match="no stop"):
        async with running(recorded(seen, stop=OSError("no stop"))):
            seen.append("inside")
    assert seen == ["start", "start", "inside", "stop"]


async def test_an_application_that_knows_no_lifespan():
    async def bare(scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async with (
        running(bare),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=bare)) as client,
    ):
        assert (await client.get("http://localhost/")).status_code == 204


async def test_accounts_can_be_asked_before_any_request(tmp_path):
    settings = Settings(env="test", home=tmp_path, passwords=PasswordSettings(profile="testing"))
    app = Zenith(settings=settings)
    async with running(app):
        assert await app.accounts.store.by_email("nobody@example.org") is None
