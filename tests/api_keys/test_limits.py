"""Limits of keys, as a whole application counts them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import browse, make_settings, running
from tests.api_keys.fakes import operator
from zenith import Settings, Zenith, require_scope
from zenith.api_keys import APIKeySettings, KeyRequest


async def statuses(settings: Settings, rate_limit: int | None) -> list[int]:
    app = Zenith(settings=settings)

    @app.get("/data")
    @require_scope("read:data")
    async def data() -> str:
        return "data"

    async with running(app), browse(app) as client:
        request = KeyRequest(name="x", scopes=["read:data"], rate_limit=rate_limit)
        issued = await app.api_keys.issue(operator(), request)
        sent = {"X-API-Key": issued.secret.reveal()}
        return [(await client.get("/data", headers=sent)).status_code for _ in range(4)]


@pytest.fixture
def settings(tmp_path) -> Settings:
    return make_settings(tmp_path)


async def test_limits_of_keys_hold_where_all_others_are_off(settings):
    without = replace(settings, rate_limits=None)
    assert await statuses(without, 2) == [200, 200, 429, 429]


async def test_a_key_may_have_no_limit(settings):
    unlimited = replace(settings, api_keys=APIKeySettings(requests_per_hour=None))
    assert await statuses(unlimited, None) == [200] * 4


async def test_limits_of_keys_are_shared_by_redis(redis_url, tmp_path):
    shared = make_settings(tmp_path, redis=redis_url)
    assert await statuses(shared, 2) == [200, 200, 429, 429]
