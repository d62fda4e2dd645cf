from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.api_keys.fakes import World, exchange, operator
from zenith.api_keys import APIKey, APIKeyError, APIKeySettings, KeyRequest, api_key_of
from zenith.authentication import Revocation
from zenith.kernel.errors import BadRequestError, RateLimitError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import Exchange


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("header", [b"x-api-key", b"authorization"])
async def test_the_principal_is_made_of_key_and_owner(world: World, header: bytes) -> None:
    issued = await world.issue("posts:read", "read:data", "users:write")
    request = world.exchange(issued.secret.reveal(), header)
    principal = await world.scheme.authenticate(request)
    assert principal is not None
    assert principal.subject == issued.record.id
    assert principal.kind == principal.scheme == world.scheme.name == "api_key"
    assert list(principal.permissions) == ["posts:read"]
    assert principal.scopes == {"posts:read", "read:data"}
    assert principal.roles == frozenset()
    assert principal.tenant is None
    assert principal.session_id is None
    key = api_key_of(request)
    assert key is not None
    assert set(key.scopes) == {"posts:read", "read:data"}
    assert key.owner_id == "ada"
    assert world.scheme.challenge == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"Bearer eyJhbGciOi")], [(b"authorization", b"Basic zk_abc")]],
)
async def test_other_credentials_are_others_business(
    world: World, headers: list[tuple[bytes, bytes]]
) -> None:
    request = exchange(*headers)
    assert await world.scheme.authenticate(request) is None
    assert api_key_of(request) is None
    assert world.store.finds == 0


async def test_a_key_is_read_once_a_second(world: World) -> None:
    issued = await world.issue("posts:read")
    key = issued.secret.reveal()
    first = await world.principal(key)
    world.pass_time(0.9)
    assert await world.principal(key) is first
    assert world.store.finds == 1
    world.pass_time(0.2)
    assert await world.principal(key) == first
    assert world.store.finds == 2


async def test_a_service_has_what_its_key_says(world: World) -> None:
    issued = await world.issue("posts:write", owner=None)
    principal = await world.principal(issued.secret.reveal())
    assert principal is not None
    assert principal.permissions.allow("posts:write")
    assert principal.scopes == {"posts:write"}
    assert principal.tenant is None
    assert await world.principal(issued.secret.reveal()) is principal


@pytest.mark.parametrize("text", ["", "zk_", "abc", "zk_" + "0" * 61, "zk_\xff"])
async def test_what_is_no_key_asks_nobody(world: World, text: str) -> None:
    with pytest.raises(APIKeyError) as refused:
        await world.principal(text)
    assert refused.value.fault == "malformed"
    assert world.store.finds == 0


async def test_an_expired_key_is_dead_even_where_it_is_cached(world: World) -> None:
    issued = await world.issue("posts:read", lifetime=60.0)
    key = issued.secret.reveal()
    world.pass_time(59.9)
    assert await world.principal(key) is not None
    world.pass_time(0.1)
    with pytest.raises(APIKeyError) as refused:
        await world.principal(key)
    assert refused.value.reason == f"expired:{issued.record.id}"


async def test_a_key_that_was_read_while_it_was_revoked_is_not_kept(world: World) -> None:
    issued = await world.issue("posts:read")
    key, find = issued.secret.reveal(), world.store.find

    async def slow_find(prefix: str) -> APIKey | None:
        found = await find(prefix)
        await world.keys.revoke(operator(), issued.record.id)
        return found

    world.store.find = slow_find  # type: ignore[method-assign]
    with pytest.raises(APIKeyError) as refused:
        await world.principal(key)
    assert refused.value.fault == "revoked"


async def test_what_was_read_during_any_revocation_is_not_kept(world: World) -> None:
    key, find = (await world.issue()).secret.reveal(), world.store.find
    now = world.time()

    async def slow_find(prefix: str) -> APIKey | None:
        found = await find(prefix)
        other = Revocation(kind="token", key=f"other{world.store.finds}", at=now, until=now + 9)
        await world.revocations.revoke(other)
        return found

    world.store.find = slow_find  # type: ignore[method-assign]
    for finds in (1, 2):
        assert await world.principal(key)
        assert world.store.finds == finds


async def test_the_store_decides_where_the_announcement_is_over(world: World) -> None:
    issued = await world.issue("posts:read")
    await world.store.revoke(issued.record.id, now=world.time())
    with pytest.raises(APIKeyError):
        await world.principal(issued.secret.reveal())


async def test_other_revocations_do_not_touch_it(world: World) -> None:
    key = (await world.issue("posts:read")).secret.reveal()
    assert await world.principal(key)
    now = world.time()
    await world.revocations.revoke(
        Revocation(kind="token", key="other", at=now, until=now + 60),
        Revocation(kind="session", key="other", at=now, until=now + 60),
    )
    assert await world.principal(key)
    assert world.store.finds == 1


async def test_memory_is_bounded() -> None:
    world = World(settings=APIKeySettings(cache_entries=2))
    keys = [(await world.issue()).secret.reveal() for _ in range(3)]
    for key in keys:
        assert await world.principal(key)
    assert len(world.scheme._cache) == 2
    assert await world.principal(keys[2])
    assert world.store.finds == 3
    assert await world.principal(keys[0])
    assert world.store.finds == 4


async def test_each_use_is_charged_to_the_key() -> None:
    charged: list[str] = []

    class Limit:
        async def charge(self, request: Exchange, key: APIKey) -> None:
            assert request.principal.subject == key.id
            if not self.charge_now(request, key):
                raise RateLimitError(retry_after=5)

        def charge_now(self, request: Exchange, key: APIKey) -> bool:
            if len(charged) == 2:
                return False
            charged.append(key.id)
            return True

    world = World(limit=Limit())
    issued = await world.issue("posts:read")
    key = issued.secret.reveal()
    assert await world.principal(key)
    assert await world.principal(key)
    assert world.scheme.recall(world.exchange(key)) is None
    with pytest.raises(RateLimitError):
        await world.principal(key)
    assert charged == [issued.record.id] * 2


async def test_two_keys_are_ambiguous(world: World) -> None:
    key = (await world.issue()).secret.reveal().encode()
    for headers in (
        [(b"x-api-key", key), (b"authorization", b"Bearer " + key)],
        [(b"x-api-key", key), (b"authorization", b"bearer eyJ")],
        [(b"x-api-key", b"x"), (b"x-api-key", key)],
        [(b"authorization", b"Basic eA=="), (b"authorization", b"Bearer " + key)],
    ):
        with pytest.raises(BadRequestError):
            await world.scheme.authenticate(exchange(*headers))
    twice = exchange((b"x-api-key", key), (b"accept", b"a"), (b"accept", b"b"))
    assert await world.scheme.authenticate(twice)


async def test_a_use_is_noted_once_a_minute(world: World) -> None:
    issued = await world.issue("posts:read")
    key = issued.secret.reveal()
    await world.uses.start()
    began = world.time()
    for _ in range(100):
        await world.principal(key)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        world.pass_time(1)
    await world.uses.stop()
    assert [use.at - began for use in world.store.noted] == [0, 60]
    record = await world.store.get(issued.record.id)
    assert record is not None
    assert record.last_used_address == "192.0.2.7"
    assert record.last_used_at == began + 60


async def test_a_change_of_the_owner_makes_a_new_principal(world: World) -> None:
    request = KeyRequest(name="k", scopes=["posts:*"], owner_id="ada")
    key = (await world.keys.issue(operator(), request)).secret.reveal()
    before = await world.principal(key)
    assert before is not None
    assert list(before.permissions) == ["posts:read"]
    ada = world.source.subjects["ada"]
    world.source.subjects["ada"] = replace(ada, permissions=Permissions(["posts:*"]))
    world.pass_time(1)
    after = await world.principal(key)
    assert after is not None
    assert list(after.permissions) == ["posts:*"]
    assert after.scopes == {"posts:*"}
    assert before.scopes == frozenset()


async def test_a_key_that_was_just_met_is_recalled_at_once(world: World) -> None:
    issued = await world.issue("posts:read", lifetime=60.0)
    key = issued.secret.reveal()
    assert world.scheme.recall(world.exchange(key)) is None
    principal = await world.principal(key)
    request = world.exchange(key)
    assert world.scheme.recall(request) is principal
    shown = api_key_of(request)
    assert shown is not None
    assert shown.id == issued.record.id
    world.pass_time(1.0)
    assert world.scheme.recall(world.exchange(key)) is None
    assert await world.principal(key)
    assert world.scheme.recall(world.exchange(key))
    await world.keys.revoke(operator(), issued.record.id)
    assert world.scheme.recall(world.exchange(key)) is None


async def test_what_has_ended_is_not_recalled(world: World) -> None:
    expiring = (await world.issue(lifetime=60.0)).secret.reveal()
    world.time.now += 59.9
    assert await world.principal(expiring)
    world.time.now += 0.1
    assert world.scheme.recall(world.exchange(expiring)) is None
    key = (await world.issue()).secret.reveal()
    assert await world.principal(key)
    now = world.time()
    await world.revocations.revoke(Revocation(kind="subject", key="ada", at=now, until=now + 9))
    assert world.scheme.recall(world.exchange(key)) is None


async def test_only_plain_requests_are_recalled(world: World) -> None:
    key = (await world.issue()).secret.reveal().encode()
    assert await world.principal(key.decode())
    recall = world.scheme.recall
    assert recall(exchange((b"x-api-key", key), (b"accept", b"a"))) is not None
    for headers in (
        [(b"x-api-key", key), (b"authorization", b"Bearer eyJ")],
        [(b"x-api-key", b"x"), (b"x-api-key", key)],
        [(b"authorization", b"Bearer " + key)],
    ):
        assert recall(exchange(*headers)) is None
    assert recall(exchange(query=b"key=" + key)) is None
    for headers in ([], [(b"authorization", b"Bearer eyJ")]):
        assert recall(exchange(*headers)) is ANONYMOUS
