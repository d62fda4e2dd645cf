from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.accounts.fakes import Events
from tests.sessions.fakes import World
from zenith.kernel.errors import ValidationError
from zenith.kernel.events import EventType
from zenith.kernel.keys import digest
from zenith.sessions import Sessions, SessionSettings
from zenith.sessions.session import LONGEST_ACCESS, ROTATION_MEMORY

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
def world() -> World:
    return World()


async def test_a_browser_session_keeps_only_the_digest(world: World) -> None:
    now = world.time()
    record, cookie = await world.sessions.start(
        "ada",
        kind="browser",
        address="192.0.2.7",
        user_agent="Firefox",
        factors={"password": now},
    )
    assert cookie is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie)
    assert record.digest == digest(cookie)
    assert cookie not in repr(world.store.records)
    assert re.fullmatch(r"[0-9a-f]{32}", record.id)
    assert (record.address, record.user_agent, record.factors) == (
        "192.0.2.7",
        "Firefox",
        {"password": now},
    )
    assert record.created_at == record.last_seen_at == now
    assert record.idle_expires_at == now + 12 * HOUR
    assert record.expires_at == now + 7 * DAY
    assert world.store.records == {record.id: record}


async def test_two_sessions_share_nothing(world: World) -> None:
    (first, one), (second, two) = await world.sign_in(), await world.sign_in()
    assert first.id != second.id
    assert one != two


async def test_a_token_session_has_no_cookie_and_no_idle_end(world: World) -> None:
    sessions = Sessions(world.store, world.revocations, refresh_lifetime=30 * DAY, clock=world.time)
    record, cookie = await sessions.start("ada", kind="tokens")
    assert cookie is None
    assert record.digest is None
    assert record.idle_expires_at == record.expires_at == world.time() + 30 * DAY
    world.pass_time(29 * DAY)
    assert await sessions.touch(record)
    noted = await sessions.get(record.id)
    assert noted is not None
    assert noted.last_seen_at == world.time()
    assert noted.idle_expires_at == noted.expires_at == record.expires_at


async def test_what_the_client_says_is_bounded_and_printable(world: World) -> None:
    record, _ = await world.sessions.start(
        "ada", kind="browser", address="a\x00b", user_agent="\x1b[31mFire\u202efox\n" + "x" * 999
    )
    assert record.address == "ab"
    assert record.user_agent.startswith("[31mFirefoxxx")
    assert len(record.user_agent) <= 256


async def test_get_and_list_show_live_sessions_newest_use_first(world: World) -> None:
    first, _ = await world.sign_in()
    world.pass_time(HOUR)
    second, _ = await world.sign_in()
    await world.sign_in("bob")
    assert [each.id for each in await world.sessions.list("ada")] == [second.id, first.id]
    world.pass_time(11.5 * HOUR)
    assert [each.id for each in await world.sessions.list("ada")] == [second.id]
    assert await world.sessions.get(first.id) is None
    assert await world.sessions.prune() == 1
    assert first.id not in world.store.records


async def test_use_is_noted_at_most_once_a_minute(world: World) -> None:
    record, _ = await world.sign_in()
    world.pass_time(59)
    assert await world.sessions.touch(record)
    assert world.store.writes == []
    world.pass_time(1)
    assert await world.sessions.touch(record)
    assert world.store.writes == [(record.id, world.time(), world.time() + 12 * HOUR)]


async def test_use_never_moves_the_idle_end_past_the_absolute_end(world: World) -> None:
    record, _ = await world.sign_in()
    late = replace(record, last_seen_at=record.expires_at - HOUR)
    world.pass_time(7 * DAY - 60)
    assert world.sessions.used(late).idle_expires_at == record.expires_at


async def test_noting_the_use_of_an_ended_session_says_so(world: World) -> None:
    record, _ = await world.sign_in()
    await world.sessions.end(record.id, account_id="ada")
    world.pass_time(60)
    assert not await world.sessions.touch(record)


async def test_rotation_keeps_the_id_and_the_absolute_end(world: World) -> None:
    record, cookie = await world.sign_in()
    world.pass_time(5)
    rotated = await world.sessions.rotate(record, factors={"passkey": world.time()})
    assert rotated is not None
    new, new_cookie = rotated
    assert new_cookie != cookie
    assert (new.id, new.expires_at) == (record.id, record.expires_at)
    assert new.digest == digest(new_cookie)
    assert new.factors == {"password": world.time() - 5, "passkey": world.time()}
    announced = world.revoked.stored[-1]
    assert (announced.kind, announced.key) == ("session", record.digest)
    assert announced.until == world.time() + ROTATION_MEMORY


async def test_only_one_of_two_rotations_succeeds(world: World) -> None:
    record, _ = await world.sign_in()
    assert await world.sessions.rotate(record) is not None
    assert await world.sessions.rotate(record) is None


async def test_what_has_no_cookie_cannot_be_rotated(world: World) -> None:
    record, _ = await world.sessions.start("ada", kind="tokens")
    assert await world.sessions.rotate(record) is None
    assert world.revoked.stored == []


async def test_the_end_of_a_session_is_announced_for_its_tokens(world: World) -> None:
    record, _ = await world.sign_in()
    assert await world.sessions.end(record.id, account_id="ada")
    (announced,) = world.revoked.stored
    assert (announced.kind, announced.key, announced.at) == ("session", record.id, world.time())
    assert announced.until == world.time() + LONGEST_ACCESS
    assert world.revocations.is_revoked(
        subject="ada", session_id=record.id, token_id=None, issued_at=world.time()
    )
    assert not await world.sessions.end(record.id, account_id="ada")
    assert len(world.revoked.stored) == 1


async def test_the_end_of_all_spares_one(world: World) -> None:
    kept, _ = await world.sign_in()
    gone = {(await world.sign_in())[0].id, (await world.sign_in())[0].id}
    other, _ = await world.sign_in("bob")
    assert set(await world.sessions.end_all("ada", except_id=kept.id)) == gone
    assert {each.key for each in world.revoked.stored} == gone
    assert set(world.store.records) == {kept.id, other.id}
    assert await world.sessions.end_all("nobody") == []
    assert await world.sessions.end_all("ada") == [kept.id]


async def test_settings_decide_the_lifetimes() -> None:
    world = World(settings=SessionSettings(idle_lifetime=600.0, absolute_lifetime=1200.0))
    record, _ = await world.sign_in()
    assert record.idle_expires_at == world.time() + 600
    assert record.expires_at == world.time() + 1200


async def test_a_remembered_device_has_longer_lifetimes() -> None:
    settings = SessionSettings(remembered_idle_lifetime=20 * DAY, remembered_lifetime=30 * DAY)
    world = World(settings=settings)
    record, _ = await world.sessions.start("ada", kind="browser", remember=True)
    assert record.remembered
    assert record.idle_expires_at == world.time() + 20 * DAY
    assert record.expires_at == world.time() + 30 * DAY
    world.pass_time(15 * DAY)
    assert world.sessions.used(record).idle_expires_at == record.expires_at
    program, _ = await world.sessions.start("ada", kind="tokens", remember=True)
    assert not program.remembered


async def test_beyond_the_cap_the_end_of_others_is_announced() -> None:
    world = World(settings=SessionSettings(max_per_account=2))
    first, _ = await world.sign_in()
    world.pass_time(1)
    await world.sign_in()
    assert world.revoked.stored == []
    await world.sign_in()
    assert len(await world.sessions.list("ada")) == 2
    (announced,) = world.revoked.stored
    assert (announced.kind, announced.key) == ("session", first.id)


async def test_who_is_put_out_by_more_sign_ins_is_recorded() -> None:
    """ASVS 16.3.1: else somebody's sign-ins end, and nobody can say why."""
    world, events = World(), Events()  # type: ignore[no-untyped-call]
    settings = SessionSettings(max_per_account=1)
    sessions = Sessions(world.store, world.revocations, settings, events=events, clock=world.time)
    first, _ = await sessions.start("ada", kind="browser")
    assert events.recorded == []
    await sessions.start("ada", kind="browser")
    (told,) = events.recorded
    assert (told.type, told.session_id, told.target) == (EventType.SESSION_ENDED, first.id, "ada")


async def test_owners_name_their_sessions(world: World) -> None:
    record, _ = await world.sign_in()
    assert await world.sessions.rename(record.id, "  Ku\u0308che ", account_id="ada")
    renamed = await world.sessions.get(record.id)
    assert renamed is not None
    assert renamed.name == "Küche"
    assert await world.sessions.rename(record.id, "x" * 60, account_id="ada")
    assert await world.sessions.rename(record.id, "", account_id="ada")
    assert not await world.sessions.rename(record.id, "Mine", account_id="eve")


@pytest.mark.parametrize("name", ["x" * 61, "a\x00b", "a\nb", "\x1b[31mred", "a\u202eb"])
async def test_names_that_cannot_be_shown_are_refused(world: World, name: str) -> None:
    record, _ = await world.sign_in()
    with pytest.raises(ValidationError):
        await world.sessions.rename(record.id, name, account_id="ada")


async def test_a_proof_changes_the_cookie_and_notes_the_time(world: World) -> None:
    record, cookie = await world.sign_in()
    proven = await world.sessions.prove(
        record.id, "ada", {"totp": world.time()}, presented=digest(cookie)
    )
    assert proven is not None
    new, new_cookie = proven
    assert new_cookie not in (None, cookie)
    assert new.factors == {**record.factors, "totp": world.time()}
    assert await world.sessions.find(digest(cookie)) is None
    # Without what was presented, the cookie that the store holds counts.
    assert await world.sessions.prove(record.id, "ada", {"totp": world.time()}) is not None


async def test_a_proof_for_tokens_leaves_no_cookie(world: World) -> None:
    record, _ = await world.sessions.start("ada", kind="tokens")
    proven = await world.sessions.prove(record.id, "ada", {"totp": 5.0})
    assert proven is not None
    assert (proven[0].factors, proven[1]) == ({"totp": 5.0}, None)


async def test_proofs_that_count_for_nothing(world: World) -> None:
    record, _ = await world.sign_in()
    factors = {"totp": 5.0}
    assert await world.sessions.prove(record.id, "eve", factors) is None
    assert await world.sessions.prove("unknown", "ada", factors) is None
    assert await world.sessions.prove(record.id, "ada", factors, presented="0" * 64) is None
    assert await world.sessions.get(record.id) == record
    program, _ = await world.sessions.start("ada", kind="tokens")

    async def ended(*args: object, **kwargs: object) -> None:
        return None

    world.store.prove = ended
    assert await world.sessions.prove(program.id, "ada", factors) is None
