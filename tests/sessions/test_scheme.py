from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.sessions.fakes import World, exchange
from zenith.authentication import Revocation
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import digest
from zenith.sessions import SessionRecord, SessionSettings, session_of


@pytest.fixture
def world() -> World:
    return World()


async def test_the_principal_is_made_of_session_and_account(world: World) -> None:
    record, cookie = await world.sign_in()
    request = world.exchange(cookie)
    principal = await world.scheme.authenticate(request)
    assert principal is not None
    assert principal.subject == "ada"
    assert principal.kind == "user"
    assert principal.scheme == world.scheme.name == "session"
    assert principal.session_id == record.id
    assert principal.factors == {"password": world.time()}
    assert principal.roles == {"user"}
    assert principal.permissions.allow("posts:read")
    assert principal.tenant == "t1"
    assert principal.scopes is None
    assert session_of(request) == record
    assert world.scheme.challenge is None


async def test_who_was_met_is_judged_again(world: World) -> None:
    record, cookie = await world.sign_in()
    request = world.exchange(cookie)
    assert await world.scheme.reconsider(request) == await world.scheme.authenticate(request)
    await world.sessions.end(record.id, account_id=record.account_id)
    assert await world.scheme.reconsider(request) is None


async def test_what_is_sent_to_a_session_is_no_use_of_it(world: World) -> None:
    """ASVS 7.3.1: a page that is left open, with a feed, ends as one without."""
    record, cookie = await world.sign_in()
    request, begun = world.exchange(cookie), world.time.now
    while world.time.now < record.idle_expires_at - 1:
        assert await world.scheme.reconsider(request, used=False) is not None
        world.time.now += 3600
    world.time.now = record.idle_expires_at
    assert await world.scheme.reconsider(request, used=False) is None
    world.time.now = begun + 3600
    assert await world.scheme.reconsider(request, used=False) is not None
    assert await world.scheme.authenticate(request) is not None
    found = await world.sessions.get(record.id)
    assert found is not None
    assert found.last_seen_at == world.time.now, "what was looked at hides no use"


async def test_without_the_cookie_nobody_is_asked(world: World) -> None:
    request = exchange(None)
    assert await world.scheme.authenticate(request) is None
    assert session_of(request) is None
    assert world.store.reads == 0


async def test_the_name_of_development_is_not_read_in_production(world: World) -> None:
    _, cookie = await world.sign_in()
    request = world.exchange(cookie, name="zenith-session")
    assert await world.scheme.authenticate(request) is None


async def test_development_reads_its_own_name() -> None:
    world = World(settings=SessionSettings(secure_cookies=False))
    _, cookie = await world.sign_in()
    request = world.exchange(cookie, name="zenith-session")
    assert await world.scheme.authenticate(request) is not None


async def test_a_session_is_read_once_a_second(world: World) -> None:
    _, cookie = await world.sign_in()
    first = await world.scheme.authenticate(world.exchange(cookie))
    world.pass_time(0.9)
    assert await world.scheme.authenticate(world.exchange(cookie)) is first
    assert world.store.reads == 1
    world.pass_time(0.2)
    assert await world.scheme.authenticate(world.exchange(cookie)) == first
    assert world.store.reads == 2


async def test_a_change_of_roles_makes_a_new_principal(world: World) -> None:
    _, cookie = await world.sign_in()
    assert await world.subject_of(cookie) == "ada"
    ada = world.source.subjects["ada"]
    world.source.subjects["ada"] = replace(ada, roles=frozenset({"admin"}))
    now = world.time()
    await world.revocations.revoke(
        Revocation(kind="subject", key="ada", at=now, until=now + 60),
    )
    principal = await world.scheme.authenticate(world.exchange(cookie))
    assert principal is not None
    assert principal.roles == {"admin"}


async def test_idle_sessions_end_even_while_cached(world: World) -> None:
    _, cookie = await world.sign_in()
    assert await world.subject_of(cookie) == "ada"
    world.time.now += 12 * 3600  # the cache is still fresh by the steady clock
    assert await world.subject_of(cookie) is None


async def test_use_prolongs_the_session_until_its_absolute_end(world: World) -> None:
    _, cookie = await world.sign_in()
    for _ in range(14):
        world.pass_time(11.9 * 3600)
        assert await world.subject_of(cookie) == "ada"
    world.pass_time(2 * 3600)
    assert await world.subject_of(cookie) is None
    assert len(world.store.writes) == 14


async def test_a_session_that_ends_while_its_use_is_noted_is_refused(world: World) -> None:
    record, cookie = await world.sign_in()
    world.pass_time(61)
    touch = world.store.touch

    async def ended_meanwhile(session_id: str, *, now: float, idle_expires_at: float) -> bool:
        await world.store.end(session_id, account_id="ada")
        return await touch(session_id, now=now, idle_expires_at=idle_expires_at)

    world.store.touch = ended_meanwhile  # type: ignore[method-assign]
    assert await world.subject_of(cookie) is None
    assert await world.subject_of(cookie) is None
    assert record.id not in world.store.records


async def test_requests_at_once_are_one_read(world: World) -> None:
    _, cookie = await world.sign_in()
    world.pass_time(61)
    find, asked = world.store.find, 0

    async def slow(digest: str, *, now: float) -> SessionRecord | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return await find(digest, now=now)

    world.store.find = slow  # type: ignore[method-assign]
    found = await asyncio.gather(*(world.subject_of(cookie) for _ in range(9)))
    assert (found, asked, len(world.store.writes)) == (["ada"] * 9, 1, 1)


async def test_reads_that_something_ended_between_note_the_use_once(world: World) -> None:
    _, cookie = await world.sign_in()
    other, _ = await world.sign_in()
    world.pass_time(61)
    find = world.store.find
    inner: list[str | None] = []

    async def slow(digest: str, *, now: float) -> SessionRecord | None:
        world.store.find = find  # type: ignore[method-assign]
        await world.sessions.end(other.id, account_id="ada")
        inner.append(await world.subject_of(cookie))
        return await find(digest, now=now)

    world.store.find = slow  # type: ignore[method-assign]
    assert await world.subject_of(cookie) == "ada"
    assert inner == ["ada"]
    assert len(world.store.writes) == 1


async def test_an_end_during_the_read_is_not_cached(world: World) -> None:
    """Something else ends while the store answers: the answer counts, but is not kept."""
    _, cookie = await world.sign_in()
    other, _ = await world.sign_in()
    find = world.store.find

    async def interrupted(digest: str, *, now: float) -> SessionRecord | None:
        found = await find(digest, now=now)
        await world.sessions.end(other.id, account_id="ada")
        return found

    world.store.find = interrupted  # type: ignore[method-assign]
    assert await world.subject_of(cookie) == "ada"
    assert await world.subject_of(cookie) == "ada"
    assert world.store.reads == 2


async def test_the_cache_is_bounded() -> None:
    world = World(settings=SessionSettings(cache_entries=2))
    cookies = [(await world.sign_in())[1] for _ in range(3)]
    for cookie in cookies:
        await world.subject_of(cookie)
    assert world.store.reads == 3
    await world.subject_of(cookies[2])
    assert world.store.reads == 3
    await world.subject_of(cookies[0])
    assert world.store.reads == 4


async def test_after_rotation_an_end_reaches_the_new_cookie(world: World) -> None:
    record, old = await world.sign_in()
    await world.subject_of(old)
    rotated = await world.sessions.rotate(record)
    assert rotated is not None
    assert await world.subject_of(rotated[1]) == "ada"
    # The announcement arrives once more, late: the new cookie stays.
    await world.revocations.revoke(
        Revocation(kind="session", key=digest(old), at=world.time() + 1, until=world.time() + 60)
    )
    reads = world.store.reads
    assert await world.subject_of(rotated[1]) == "ada"
    assert world.store.reads == reads
    await world.sessions.end(record.id, account_id="ada")
    assert await world.subject_of(rotated[1]) is None


async def test_where_revocations_cannot_be_read_nobody_is_let_in(world: World) -> None:
    _, cookie = await world.sign_in()

    async def gone(moment: float) -> Sequence[Revocation]:
        raise ServiceUnavailableError(reason="no database")

    world.revoked.since = gone  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailableError):
        await world.subject_of(cookie)
