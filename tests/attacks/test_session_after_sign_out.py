"""A copied session cookie is used after its owner signed out, was locked, or stepped up.

The cookie is the whole proof of who calls, so whoever copied it must lose it with the owner, in
every process, caches included (ASVS 7.4.1, 7.4.2, 7.2.4).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sessions.fakes import World
from zenith.authentication import Revocation
from zenith.kernel.keys import digest
from zenith.sessions import SessionRecord


@pytest.fixture
def here() -> World:
    return World()


async def test_sign_out_ends_a_cached_cookie_here_at_once(here: World) -> None:
    record, cookie = await here.sign_in()
    assert await here.subject_of(cookie) == "ada"
    await here.sessions.end(record.id, account_id="ada")
    assert await here.subject_of(cookie) is None


async def test_sign_out_ends_a_cached_cookie_elsewhere_within_a_second(here: World) -> None:
    there = World(here)
    record, cookie = await here.sign_in()
    assert await there.subject_of(cookie) == "ada"
    await here.sessions.end(record.id, account_id="ada")
    here.pass_time(1.0)
    assert await there.subject_of(cookie) is None


async def test_news_over_a_channel_end_it_elsewhere_at_once(here: World) -> None:
    there = World(here)
    record, cookie = await here.sign_in()
    assert await there.subject_of(cookie) == "ada"
    await here.sessions.end(record.id, account_id="ada")
    there.revocations._apply(here.revoked.stored)  # what the channel delivers
    assert await there.subject_of(cookie) is None


async def test_a_stale_answer_of_the_store_revives_nothing(here: World) -> None:
    """The store's answer left it before the end, and arrives after."""
    record, cookie = await here.sign_in()
    stale = await here.store.find(digest(cookie), now=here.time())

    async def late(digest: str, *, now: float) -> SessionRecord | None:
        await here.sessions.end(record.id, account_id="ada")
        return stale

    here.store.find = late  # type: ignore[method-assign]
    assert await here.subject_of(cookie) is None


async def test_sign_out_everywhere_ends_every_copy(here: World) -> None:
    cookies = [(await here.sign_in())[1] for _ in range(3)]
    for cookie in cookies:
        assert await here.subject_of(cookie) == "ada"
    await here.sessions.end_all("ada")
    assert [await here.subject_of(cookie) for cookie in cookies] == [None] * 3


async def test_a_locked_account_has_no_session_left(here: World) -> None:
    _, cookie = await here.sign_in()
    assert await here.subject_of(cookie) == "ada"
    here.source.subjects["ada"] = replace(here.source.subjects["ada"], active=False)
    now = here.time()
    await here.revocations.revoke(Revocation(kind="subject", key="ada", at=now, until=now + 60))
    assert await here.subject_of(cookie) is None


async def test_a_deleted_account_has_no_session_left(here: World) -> None:
    _, cookie = await here.sign_in()
    here.source.subjects.clear()
    assert await here.subject_of(cookie) is None


@pytest.mark.parametrize("late_by", [0.0, 1.0])
async def test_the_cookie_from_before_a_step_up_is_dead(here: World, late_by: float) -> None:
    """Session fixation: the thief's copy must not rise with the owner's privileges."""
    there = World(here)
    record, old = await here.sign_in()
    assert await here.subject_of(old) == await there.subject_of(old) == "ada"
    rotated = await here.sessions.rotate(record, factors={"passkey": here.time()})
    assert rotated is not None
    assert await here.subject_of(old) is None
    there.pass_time(1.0)
    assert await there.subject_of(old) is None
    assert await there.subject_of(rotated[1]) == "ada"


async def test_nobody_ends_the_session_of_another(here: World) -> None:
    record, cookie = await here.sign_in()
    assert not await here.sessions.end(record.id, account_id="mallory")
    assert here.revoked.stored == []
    assert await here.subject_of(cookie) == "ada"


async def test_an_end_finds_the_new_cookie_while_the_old_one_is_still_cached(here: World) -> None:
    there = World(here)
    record, old = await here.sign_in()
    assert await there.subject_of(old) == "ada"
    rotated = await here.sessions.rotate(record)
    assert rotated is not None
    assert await there.subject_of(rotated[1]) == "ada"
    await here.sessions.end(record.id, account_id="ada")
    there.revocations._apply(here.revoked.stored)  # what the channel delivers, in its order
    assert await there.subject_of(old) is None
    assert await there.subject_of(rotated[1]) is None
