from __future__ import annotations

import asyncio

import pytest

from tests.authentication.fakes import FakeChannel, FakeRevocations, Time
from zenith.authentication import Revocation, RevocationList, session_revocations
from zenith.authentication.revocation import MAX_AGE, OVERLAP
from zenith.kernel.clock import CLOCK_MARGIN
from zenith.kernel.errors import ServiceUnavailableError

NOW = 1_000_000.0


class World:
    def __init__(self, channel=None):
        self.store, self.clock, self.steady = FakeRevocations(), Time(NOW), Time(5.0)
        self.list = RevocationList(
            self.store, channel=channel, clock=self.clock, steady=self.steady
        )

    def pass_time(self, seconds):
        self.clock.now += seconds
        self.steady.now += seconds


def of(kind, key, at=NOW, until=NOW + 900):
    return Revocation(kind=kind, key=key, at=at, until=until)


def revoked(world, subject="alice", session_id="s1", token_id="t1", issued_at=NOW - 10):
    return world.list.is_revoked(
        subject=subject, session_id=session_id, token_id=token_id, issued_at=issued_at
    )


async def test_at_first_nothing_is_revoked():
    world = World()
    await world.list.refresh()
    assert not revoked(world)


@pytest.mark.parametrize(
    ("revocation", "hits"),
    [
        (of("token", "t1"), True),
        (of("token", "t2"), False),
        (of("token", "s1"), False),
        (of("session", "s1"), True),
        (of("session", "t1"), False),
        (of("subject", "alice"), True),
        (of("subject", "bob"), False),
        (of("subject", "alice", at=NOW - 11), False),
        (of("subject", "alice", at=NOW - 10), False),
        (of("subject", "alice", at=NOW - 9.9), True),
    ],
)
async def test_what_a_revocation_ends(revocation, hits):
    world = World()
    await world.list.revoke(revocation)
    assert revoked(world) is hits
    assert world.store.kept == [revocation]


async def test_credentials_without_session_or_id():
    world = World()
    await world.list.revoke(of("session", "s1"), of("token", "t1"))
    assert not revoked(world, session_id=None, token_id=None)
    assert not revoked(world, session_id="", token_id="")


async def test_revoking_nothing_asks_nobody():
    world = World()
    await world.list.revoke()
    assert world.store.kept == []


async def test_what_another_process_revoked_is_seen_within_a_second():
    world = World()
    await world.list.refresh()
    world.store.kept.append(of("session", "s1", at=NOW + 0.5))
    world.pass_time(MAX_AGE - 0.01)
    await world.list.refresh()
    assert not revoked(world)
    world.pass_time(0.01)
    await world.list.refresh()
    assert revoked(world)
    assert len(world.store.asked) == 2


async def test_each_question_reaches_back_over_slow_transactions():
    world = World()
    await world.list.refresh()
    assert world.store.asked == [0.0]
    world.pass_time(MAX_AGE)
    await world.list.refresh()
    assert world.store.asked[1] == NOW - OVERLAP
    world.store.kept.append(of("session", "s1", at=NOW - OVERLAP + 5))
    world.pass_time(MAX_AGE)
    await world.list.refresh()
    assert revoked(world)


async def test_a_store_that_does_not_answer_is_no_permission():
    world = World()
    world.store.fails = True
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError):
            await world.list.refresh()
    with pytest.raises(ServiceUnavailableError):
        await world.list.revoke(of("token", "t1"))
    assert not revoked(world)
    world.store.fails = False
    await world.list.refresh()


async def test_many_requests_ask_once():
    world = World()
    world.store.gate = asyncio.Event()
    waiting = [asyncio.create_task(world.list.refresh()) for _ in range(50)]
    await asyncio.sleep(0)
    world.store.gate.set()
    await asyncio.gather(*waiting)
    assert len(world.store.asked) == 1


async def test_what_can_no_longer_matter_is_forgotten():
    world = World()
    await world.list.revoke(of("token", "t1", until=NOW + 5), of("token", "t2", until=NOW + 50))
    world.store.kept.clear()
    world.pass_time(10)
    await world.list.refresh()
    assert len(world.list._known) == 2, "another machine's clock may be behind"
    world.pass_time(CLOCK_MARGIN)
    await world.list.refresh()
    assert list(world.list._known) == [("token", "t2")]
    assert await world.list.prune() == 3
    assert world.store.pruned == [NOW + 10]


async def test_the_latest_revocation_of_a_subject_counts():
    world, heard = World(), []
    world.list.subscribe(heard.append)
    late, early = of("subject", "alice", at=NOW), of("subject", "alice", at=NOW - 60)
    await world.list.revoke(late)
    await world.list.revoke(early)
    await world.list.revoke(late)
    assert revoked(world, issued_at=NOW - 1)
    assert heard == [late]
    later = of("subject", "alice", at=NOW + 60)
    await world.list.revoke(later)
    assert heard == [late, later]


async def test_a_channel_tells_the_other_processes_at_once():
    channel = FakeChannel()
    world = World(channel)
    await world.list.start()
    await asyncio.sleep(0)
    assert len(world.store.asked) == 1
    await world.list.revoke(of("token", "t9"))
    assert channel.published == [[of("token", "t9")]]
    channel.receive([of("token", "t1")])
    assert revoked(world)
    await world.list.stop()
    assert channel.stopped
    await world.list.stop()


async def test_without_a_channel_there_is_nothing_to_stop():
    world = World()
    await world.list.start()
    await world.list.stop()


def test_one_revocation_for_each_session():
    assert session_revocations(["a", "b"], at=1.0, until=2.0) == [
        of("session", "a", 1.0, 2.0),
        of("session", "b", 1.0, 2.0),
    ]


async def test_it_says_whether_it_would_ask_and_what_changed():
    world = World()
    assert not world.list.is_fresh
    await world.list.refresh()
    assert world.list.is_fresh
    before = world.list.version
    await world.list.revoke(of("token", "t1"))
    assert world.list.version == before + 1
    await world.list.revoke(of("token", "t1"))
    assert world.list.version == before + 1
    world.pass_time(MAX_AGE)
    assert not world.list.is_fresh


class Follower:
    """Changes as often as it is told to."""

    def __init__(self, *changes):
        self.changes, self.asked, self.during = list(changes), 0, None

    async def refresh(self):
        self.asked += 1
        if self.during is not None:
            self.during()
        return self.changes.pop(0) if self.changes else False


async def test_what_follows_is_refreshed_with_the_list_and_told():
    world, follower, told = World(), Follower(False, True), []
    world.list.follow(follower)
    world.list.subscribe(told.append)
    await world.list.refresh()
    await world.list.refresh()
    assert (follower.asked, told, world.list.version) == (1, [], 0)
    world.pass_time(MAX_AGE)
    await world.list.refresh()
    assert [each.kind for each in told] == ["roles"]
    assert world.list.version == 1
    assert not revoked(world)


async def test_an_announcement_asks_at_once_here_and_there():
    channel = FakeChannel()
    world, follower = World(channel), Follower(False, True)
    world.list.follow(follower)
    await world.list.refresh()
    await world.list.announce()
    assert follower.asked == 2
    assert world.list.is_fresh
    assert world.store.kept == []
    assert [[each.kind for each in message] for message in channel.published] == [["roles"]]
    other, watching = World(), Follower()
    other.list.follow(watching)
    await other.list.refresh()
    other.list._apply([of("roles", "*")])
    assert not other.list.is_fresh
    await other.list.refresh()
    assert watching.asked == 2
    await other.list.announce()
    assert watching.asked == 3


async def test_an_announcement_while_the_stores_answer_is_not_forgotten():
    world, follower = World(), Follower()
    follower.during = lambda: world.list._apply([of("roles", "*")])
    world.list.follow(follower)
    await world.list.refresh()
    assert not world.list.is_fresh
    follower.during = None
    await world.list.refresh()
    assert world.list.is_fresh


async def test_what_was_stored_while_the_clock_was_ahead_is_found_once_it_is_right():
    world = World()
    world.clock.now += 3600
    await world.list.refresh()
    # Another process, whose clock is right.
    await world.store.add([of("session", "s1", at=NOW + 1)])
    world.steady.now += MAX_AGE
    await world.list.refresh()
    assert not revoked(world), "nobody can know that the clock is wrong"
    world.clock.now = NOW + 2
    world.steady.now += MAX_AGE
    await world.list.refresh()
    assert revoked(world)
