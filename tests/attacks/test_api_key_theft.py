"""The attack: use a key that was guessed, found in a log or an address, or revoked, on another
server which has not heard of it yet (ASVS 6.5.2, 7.4.2, 14.2.1)."""

from __future__ import annotations

import asyncio
import hmac
import json
from contextlib import AsyncExitStack

import pytest

from tests.accounts.application import (
    bearer,
    browse,
    events_of,
    login,
    make_app,
    make_settings,
    register,
    running,
)
from tests.api_keys.fakes import World, exchange, operator
from zenith.api_keys import APIKeyError
from zenith.api_keys.key_format import checksum, lookup_of, new_key
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import digest


async def refusal(world, key):
    with pytest.raises(APIKeyError) as refused:
        await world.principal(key)
    return refused.value


async def test_guessing_beside_a_known_name_finds_nothing():
    """The first fifteen characters are shown in lists; the other 256 bits remain to be guessed."""
    world = World()
    issued = await world.issue("posts:read")
    name = lookup_of(issued.secret.reveal())
    for _ in range(100):
        body = name + new_key()[15:58]
        refused = await refusal(world, body + checksum(body))
        assert refused.fault == "unknown"
    assert len(world.scheme._cache) == 0


async def test_hashes_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(left, right):
        compared.append((left, right))
        return left == right

    world = World()
    key = (await world.issue("posts:read")).secret.reveal()
    monkeypatch.setattr(hmac, "compare_digest", compare)
    await world.principal(key)
    assert compared == [(digest(key).encode(), digest(key).encode())]


async def test_every_fault_looks_the_same_from_outside():
    world = World()
    expired, revoked, orphan = [await world.issue("posts:read", lifetime=60) for _ in range(3)]
    await world.keys.revoke(operator(), revoked.record.id)
    seen = [await refusal(world, new_key()), await refusal(world, "zk_x")]
    seen.append(await refusal(world, revoked.secret.reveal()))
    del world.source.subjects["ada"]
    seen.append(await refusal(world, orphan.secret.reveal()))
    world.pass_time(61)
    seen.append(await refusal(world, expired.secret.reveal()))
    assert len({(each.code, each.detail, each.status, str(each.headers)) for each in seen}) == 1
    assert len({each.fault for each in seen}) == 5


async def test_a_key_in_the_address_is_refused():
    world = World()
    key = (await world.issue("posts:read")).secret.reveal().encode()
    for query in (b"api_key=" + key, b"a=1&x=" + key + b"&b=2"):
        with pytest.raises(APIKeyError) as refused:
            await world.scheme.authenticate(exchange(query=query))
        assert refused.value.fault == "key_in_query"
    # Words that only look like one are anybody's business.
    assert await world.scheme.authenticate(exchange(query=b"q=zk_" + b"0" * 61)) is None
    assert await world.scheme.authenticate(exchange(query=b"q=zk_hello")) is None


async def test_another_process_hears_of_a_revocation_within_a_second():
    here = World()
    there = World(here)
    issued = await here.issue("posts:read")
    key = issued.secret.reveal()
    assert await here.principal(key)
    assert await there.principal(key)
    await here.keys.revoke(operator(), issued.record.id)
    await refusal(here, key)
    here.pass_time(1.0)
    await refusal(there, key)


async def test_with_a_channel_it_hears_at_once():
    here = World()
    there = World(here)
    issued = await here.issue("posts:read")
    assert await there.principal(issued.secret.reveal())
    await here.keys.revoke(operator(), issued.record.id)
    there.revocations._apply(here.revoked.stored)
    assert (await refusal(there, issued.secret.reveal())).fault == "revoked"


async def test_a_locked_or_deleted_owner_takes_the_keys_along():
    world = World()
    key = (await world.issue("posts:read")).secret.reveal()
    assert await world.principal(key)
    del world.source.subjects["ada"]
    world.pass_time(1.0)
    assert (await refusal(world, key)).fault == "owner_inactive"


async def test_what_cannot_be_known_is_refused():
    world = World()
    key = (await world.issue("posts:read")).secret.reveal()
    assert await world.principal(key)

    async def away(*_args, **_options):
        raise ServiceUnavailableError(reason="database: away")

    world.store.find = away
    world.pass_time(1.0)
    with pytest.raises(ServiceUnavailableError):
        await world.principal(key)


async def test_revocation_wins_over_use():
    """Whatever is on its way: once the revocation has been answered, no request is let in."""
    world = World()
    issued = await world.issue("posts:read")
    key, let_in, done = issued.secret.reveal(), [], False

    async def use():
        for _ in range(20):
            was_done = done
            try:
                await world.principal(key)
                let_in.append(was_done)
            except APIKeyError:
                let_in.append(None)
            await asyncio.sleep(0)

    async def revoke():
        nonlocal done
        for _ in range(5):
            await asyncio.sleep(0)
        await world.keys.revoke(operator(), issued.record.id)
        done = True

    await asyncio.gather(*(use() for _ in range(20)), revoke())
    assert True not in let_in
    assert None in let_in
    assert False in let_in


async def test_two_servers_one_database_and_no_key_in_any_log(tmp_path):
    settings = make_settings(tmp_path)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(running(make_app(tmp_path, settings=settings)))
        there = await stack.enter_async_context(running(make_app(tmp_path, settings=settings)))
        client, other = [await stack.enter_async_context(browse(app)) for app in (here, there)]
        await register(client)
        ada = bearer((await login(client)).json())
        body = {"name": "x", "scopes": ["api_keys:write"]}
        made = (await client.post("/auth/api-keys", json=body, headers=ada)).json()
        sent = {"X-API-Key": made["key"]}
        assert (await other.get("/auth/api-keys", headers=sent)).status_code == 200
        account = await here.accounts.store.by_email("ada@example.org")
        locked = await here.accounts.store.set_locked(account.id, 1.0, keep_one=None)
        assert locked == "changed"
        await here.accounts.sign_in.end_all(account.id)
        here.assembly.revocations._refreshed = float("-inf")
        there.assembly.revocations._refreshed = float("-inf")
        for each in (client, other):
            assert (await each.get("/auth/api-keys", headers=sent)).status_code == 401
        assert (await client.get(f"/auth/api-keys?k={made['key']}")).status_code == 401
        await here.assembly.stop()
        await there.assembly.stop()
        await here.assembly.start()
        failed = await events_of(here, "AUTHENTICATION_FAILED")
        assert {event.reason for event in failed} == {f"owner_inactive:{made['id']}"}
        events = await events_of(here, "API_KEY_CREATED", "AUTHENTICATION_FAILED")
        written = json.dumps([[str(e), dict(e.details)] for e in events])
        written += "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
        assert "API_KEY_CREATED" in written
        assert made["key"][15:] not in written
        assert made["key"].encode() not in b"".join(
            path.read_bytes() for path in tmp_path.rglob("zenith.db*")
        )
