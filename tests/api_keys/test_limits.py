"""Limits of keys, as a whole application counts them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import (
    bearer,
    browse,
    login,
    make_app,
    make_settings,
    register,
    running,
)
from zenith import Settings
from zenith.api_keys import APIKeySettings

KEYS = "/auth/api-keys"


async def statuses(settings: Settings, rate_limit: int | None) -> list[int]:
    async with running(make_app(None, settings=settings)) as app, browse(app) as client:
        await register(client)
        who = bearer((await login(client)).json())
        body = {"name": "x", "scopes": ["api_keys:write"], "rate_limit": rate_limit}
        made = await client.post(KEYS, json=body, headers=who)
        sent = {"X-API-Key": made.json()["key"]}
        return [(await client.get(KEYS, headers=sent)).status_code for _ in range(4)]


@pytest.fixture
def settings(tmp_path) -> Settings:
    return make_settings(tmp_path)


async def test_limits_of_keys_hold_where_all_others_are_off(settings):
    without = replace(settings, rate_limits=None)
    assert await statuses(without, 2) == [200, 200, 429, 429]


async def test_a_key_may_have_no_limit(settings):
    unlimited = replace(settings, api_keys=APIKeySettings(requests_per_hour=None))
    assert await statuses(unlimited, None) == [200] * 4


async def test_limits_of_keys_are_shared_by_redis(settings, redis_url, tmp_path):
    shared = make_settings(tmp_path, redis=redis_url)
    assert await statuses(shared, 2) == [200, 200, 429, 429]
