from __future__ import annotations

import asyncio

import pytest

from tests.accounts.fakes import Time
from zenith.accounts.evenness import EvenTime


async def lasted(seconds, spent, error=None):
    time = Time(100.0)
    even = EvenTime(seconds, steady=time, sleep=time.sleep)
    try:
        async with even():
            time.now += spent
            if error is not None:
                raise error
    except (ValueError, asyncio.CancelledError):
        pass
    return round(time.now - 100.0, 6)


@pytest.mark.parametrize(
    ("spent", "whole"), [(0.0, 0.5), (0.1, 0.5), (0.49, 0.5), (0.6, 1.0), (1.2, 1.5)]
)
async def test_every_step_ends_at_a_multiple(spent, whole):
    assert await lasted(0.5, spent) == whole


async def test_failures_take_as_long():
    assert await lasted(0.5, 0.1, ValueError()) == 0.5


async def test_who_cancels_need_not_wait():
    assert await lasted(0.5, 0.1, asyncio.CancelledError()) == 0.1


async def test_zero_is_off():
    assert await lasted(0.0, 0.1) == 0.1
