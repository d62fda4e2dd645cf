"""Every session store keeps the contract of `zenith.sessions.store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from zenith.kernel.errors import ConflictError
from zenith.sessions.store import SessionRecord, SessionStore


def session(name: str, *, account: str = "ada", seen: float = 1000.0) -> SessionRecord:
    return SessionRecord(
        id=f"s-{name}",
        account_id=account,
        kind="browser",
        digest=f"d-{name}",
        created_at=1000.0,
        last_seen_at=seen,
        idle_expires_at=2000.0,
        expires_at=5000.0,
        address="2001:db8::1",
        user_agent="Browser/1.0 (é)",
        factors={"password": 1000.25},
    )


async def test_a_session_comes_back_as_it_was_stored(sessions: SessionStore) -> None:
    record = session("a")
    await sessions.create(record)
    assert await sessions.find("d-a", now=1500.0) == record
    assert await sessions.get("s-a", now=1500.0) == record
    assert await sessions.find("s-a", now=1500.0) is None
    assert await sessions.get("d-a", now=1500.0) is None


async def test_sessions_of_tokens_have_no_digest(sessions: SessionStore) -> None:
    for name in ("a", "b"):
        await sessions.create(replace(session(name), kind="tokens", digest=None))
    assert await sessions.get("s-b", now=1500.0) == replace(
        session("b"), kind="tokens", digest=None
    )
    assert await sessions.find("", now=1500.0) is None
    assert await sessions.end("s-a", account_id="ada")


async def test_ids_and_digests_are_unique(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    with pytest.raises(ConflictError):
        await sessions.create(replace(session("b"), id="s-a"))
    with pytest.raises(ConflictError):
        await sessions.create(replace(session("b"), digest="d-a"))
    assert await sessions.get("s-b", now=1500.0) is None


@pytest.mark.parametrize("now", [2000.0, 2000.1, 6000.0])
async def test_an_idle_session_is_not_live(sessions: SessionStore, now: float) -> None:
    await sessions.create(session("a"))
    assert await sessions.find("d-a", now=now) is None
    assert await sessions.get("s-a", now=now) is None
    assert await sessions.of_account("ada", now=now) == []
    assert not await sessions.touch("s-a", now=now, idle_expires_at=now + 100)
    assert await sessions.rotate("d-a", "d-new", now=now, factors={}) is None


async def test_idle_time_never_outlasts_the_session(sessions: SessionStore) -> None:
    await sessions.create(replace(session("a"), idle_expires_at=9000.0))
    assert await sessions.find("d-a", now=5000.0) is None
    found = await sessions.find("d-a", now=4999.0)
    assert found is not None
    assert found.idle_expires_at == 5000.0


async def test_use_moves_the_idle_end_forward_only(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    assert await sessions.touch("s-a", now=1800.0, idle_expires_at=2800.0)
    assert await sessions.touch("s-a", now=1700.0, idle_expires_at=2700.0)
    found = await sessions.get("s-a", now=2500.0)
    assert found is not None
    assert (found.last_seen_at, found.idle_expires_at) == (1800.0, 2800.0)
    assert await sessions.touch("s-a", now=2799.0, idle_expires_at=99999.0)
    found = await sessions.get("s-a", now=4999.0)
    assert found is not None
    assert (found.last_seen_at, found.idle_expires_at) == (2799.0, 5000.0)
    assert not await sessions.touch("s-a", now=5000.0, idle_expires_at=6000.0)
    assert not await sessions.touch("unknown", now=1.0, idle_expires_at=2.0)


async def test_rotation_gives_a_new_cookie_and_factors(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    factors = {"password": 1000.25, "totp": 1400.0}
    rotated = await sessions.rotate("d-a", "d-new", now=1500.0, factors=factors)
    assert rotated == replace(session("a"), digest="d-new", factors=factors)
    assert await sessions.find("d-a", now=1500.0) is None
    assert await sessions.find("d-new", now=1500.0) == rotated
    assert await sessions.get("s-a", now=1500.0) == rotated
    assert await sessions.rotate("d-a", "d-third", now=1500.0, factors={}) is None
    assert await sessions.rotate("unknown", "d-third", now=1500.0, factors={}) is None


async def test_rotation_does_not_take_the_cookie_of_another(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    await sessions.create(session("b", account="eve"))
    with pytest.raises(ConflictError):
        await sessions.rotate("d-a", "d-b", now=1500.0, factors={})
    found = await sessions.find("d-b", now=1500.0)
    assert found is not None
    assert found.account_id == "eve"
    assert await sessions.find("d-a", now=1500.0) is not None


async def test_only_the_owner_ends_a_session(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    assert not await sessions.end("s-a", account_id="eve")
    assert await sessions.find("d-a", now=1500.0) is not None
    assert await sessions.end("s-a", account_id="ada")
    assert not await sessions.end("s-a", account_id="ada")
    assert await sessions.find("d-a", now=1500.0) is None
    assert not await sessions.touch("s-a", now=1500.0, idle_expires_at=2500.0)


async def test_all_sessions_but_one_end(sessions: SessionStore) -> None:
    for name in ("a", "b", "c"):
        await sessions.create(session(name))
    await sessions.create(session("e", account="eve"))
    assert sorted(await sessions.end_all("ada", except_id="s-b")) == ["s-a", "s-c"]
    assert [each.id for each in await sessions.of_account("ada", now=1500.0)] == ["s-b"]
    assert list(await sessions.end_all("ada")) == ["s-b"]
    assert list(await sessions.end_all("ada")) == []
    assert await sessions.find("d-e", now=1500.0) is not None


async def test_the_sessions_of_an_account_newest_use_first(sessions: SessionStore) -> None:
    await sessions.create(session("a", seen=1100.0))
    await sessions.create(session("b", seen=1300.0))
    await sessions.create(session("c", seen=1200.0))
    await sessions.create(session("e", account="eve", seen=1400.0))
    listed = await sessions.of_account("ada", now=1500.0)
    assert [each.id for each in listed] == ["s-b", "s-c", "s-a"]
    assert await sessions.of_account("nobody", now=1500.0) == []


async def test_ended_sessions_are_pruned(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    await sessions.create(replace(session("b"), idle_expires_at=1500.0))
    await sessions.touch("s-a", now=1400.0, idle_expires_at=2400.0)
    assert await sessions.prune(now=2000.0) == 1
    assert await sessions.prune(now=2000.0) == 0
    assert await sessions.get("s-a", now=2300.0) is not None
    assert await sessions.prune(now=2400.0) == 1
    await sessions.create(session("a"))


async def test_factors_of_token_sessions_add_up(sessions: SessionStore) -> None:
    await sessions.create(replace(session("a"), kind="tokens", digest=None))
    proven = await sessions.prove("s-a", account_id="ada", factors={"totp": 1400.5}, now=1500.0)
    assert proven is not None
    assert proven.factors == {"password": 1000.25, "totp": 1400.5}
    await sessions.prove("s-a", account_id="ada", factors={"password": 1450.0}, now=1500.0)
    found = await sessions.get("s-a", now=1500.0)
    assert found is not None
    assert found.factors == {"password": 1450.0, "totp": 1400.5}


async def test_only_live_token_sessions_of_the_account_are_proven(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    await sessions.create(replace(session("b"), kind="tokens", digest=None))
    for name, account, now in (("s-a", "ada", 1.0), ("s-b", "eve", 1.0), ("s-b", "ada", 2000.0)):
        proven = await sessions.prove(name, account_id=account, factors={"totp": 1.0}, now=now)
        assert proven is None
    for name in ("s-a", "s-b"):
        found = await sessions.get(name, now=1.0)
        assert found is not None
        assert found.factors == {"password": 1000.25}


async def test_names_and_choices_come_back(sessions: SessionStore) -> None:
    record = replace(session("a"), name="Kitchen é", remembered=True)
    await sessions.create(record)
    assert await sessions.get("s-a", now=1500.0) == record
    assert await sessions.rename("s-a", account_id="ada", name="Hall", now=1500.0)
    found = await sessions.find("d-a", now=1500.0)
    assert found == replace(record, name="Hall")
    assert await sessions.rename("s-a", account_id="ada", name="", now=1500.0)
    assert await sessions.get("s-a", now=1500.0) == replace(record, name="")


async def test_only_the_owner_names_a_live_session(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    assert not await sessions.rename("s-a", account_id="eve", name="Mine", now=1500.0)
    assert not await sessions.rename("s-b", account_id="ada", name="Mine", now=1500.0)
    assert not await sessions.rename("s-a", account_id="ada", name="Late", now=2000.0)
    assert await sessions.get("s-a", now=1500.0) == session("a")


async def test_beyond_the_most_the_least_recently_used_end(sessions: SessionStore) -> None:
    for name, seen in (("a", 1300.0), ("b", 1100.0), ("c", 1200.0)):
        assert list(await sessions.create(session(name, seen=seen), at_most=3)) == []
    await sessions.create(session("e", account="eve", seen=1000.0), at_most=3)
    assert list(await sessions.create(session("d", seen=1000.0), at_most=3)) == ["s-b"]
    assert [each.id for each in await sessions.of_account("ada", now=1500.0)] == [
        "s-a",
        "s-c",
        "s-d",
    ]
    assert sorted(await sessions.create(session("f"), at_most=1)) == ["s-a", "s-c", "s-d"]
    assert await sessions.get("s-e", now=1500.0) is not None


async def test_programs_do_not_put_browsers_out(sessions: SessionStore) -> None:
    await sessions.create(session("browser", seen=1001.0), at_most=3)
    for name in ("a", "b"):
        program = replace(session(name, seen=1100.0), kind="tokens", digest=None)
        await sessions.create(program, at_most=3)
    newest = replace(session("c", seen=1200.0), kind="tokens", digest=None)
    assert list(await sessions.create(newest, at_most=3)) == ["s-b"]
    assert await sessions.get("s-browser", now=1500.0) is not None
    assert list(await sessions.create(session("d", seen=1300.0), at_most=3)) == ["s-browser"]
    assert (
        list(await sessions.create(session("f", seen=1400.0), at_most=1))
        == [
            "s-d",
            "s-c",
            "s-a",
        ]
        or len(await sessions.of_account("ada", now=1500.0)) == 1
    )


async def test_what_has_ended_by_itself_takes_no_room(sessions: SessionStore) -> None:
    await sessions.create(replace(session("a"), idle_expires_at=1100.0), at_most=2)
    await sessions.create(session("b"), at_most=2)
    assert list(await sessions.create(session("c", seen=1500.0), at_most=2)) == []


async def test_a_session_that_cannot_begin_ends_no_other(sessions: SessionStore) -> None:
    await sessions.create(session("a"), at_most=1)
    with pytest.raises(ConflictError):
        await sessions.create(session("a"), at_most=1)
    assert await sessions.get("s-a", now=1500.0) is not None


async def test_of_200_that_begin_at_once_only_the_most_remain(sessions: SessionStore) -> None:
    ended = await asyncio.gather(
        *(sessions.create(session(str(number)), at_most=5) for number in range(200))
    )
    remaining = {each.id for each in await sessions.of_account("ada", now=1500.0)}
    gone = [session_id for ids in ended for session_id in ids]
    assert len(remaining) == 5
    assert len(gone) == len(set(gone)) == 195
    assert remaining.isdisjoint(gone)


async def test_of_200_proofs_beside_one_cookie_one_counts(sessions: SessionStore) -> None:
    await sessions.create(session("a"))
    rotated = await asyncio.gather(
        *(
            sessions.rotate("d-a", f"d-{number}", now=1500.0, factors={"totp": float(number)})
            for number in range(200)
        )
    )
    (winner,) = [each for each in rotated if each is not None]
    assert await sessions.get("s-a", now=1500.0) == winner


async def test_of_many_proofs_for_tokens_none_is_lost(sessions: SessionStore) -> None:
    await sessions.create(replace(session("a"), kind="tokens", digest=None, factors={}))
    wanted = {f"factor_{number}": float(number) for number in range(50)}
    await asyncio.gather(
        *(
            sessions.prove("s-a", account_id="ada", factors={name: at}, now=1500.0)
            for name, at in wanted.items()
        )
    )
    found = await sessions.get("s-a", now=1500.0)
    assert found is not None
    assert found.factors == wanted
