"""Attack: open a request with a stolen credential, wait until its owner has ended all sign-ins, and
send the end of the body: what was judged half a minute ago must not act now (ASVS 7.4.1, 7.4.3).
"""

from __future__ import annotations

import json

import pytest

from tests.accounts.application import EMAIL, bearer, login, serving
from tests.api_keys.fakes import World as Keys
from tests.api_keys.fakes import exchange as keyless
from tests.api_keys.fakes import person
from tests.sessions.fakes import World
from zenith.api_keys import Actor, APIKey, APIKeyError, APIKeys, KeyRequest
from zenith.authentication import AuthenticationGuard
from zenith.kernel.clock import steady_clock
from zenith.kernel.errors import AuthenticationError


@pytest.fixture
async def client(tmp_path):
    async with serving(tmp_path, EMAIL) as client:
        yield client


@pytest.fixture
def patient(client):
    """Lets a body take its time, without waiting."""
    (guard,) = [
        each for each in client.app.assembly.guards if isinstance(each, AuthenticationGuard)
    ]
    late = [0.0]
    guard._steady = lambda: steady_clock() + late[0]
    return late


async def slow(client, late, path, body, headers, *, meanwhile):
    """Sends the head, then does something else, then sends the rest."""

    async def pieces():
        raw = json.dumps(body).encode()
        yield raw[:1]
        late[0] += 20.0
        await meanwhile()
        yield raw[1:]

    headers = {"content-type": "application/json", "accept": "application/json", **headers}
    return await client.post(path, content=pieces(), headers=headers)


KEY = {"name": "mine", "scopes": []}


async def make_key(client, late, headers, meanwhile):
    return await slow(client, late, "/auth/api-keys", KEY, headers, meanwhile=meanwhile)


async def nothing():
    """The owner does nothing."""


async def test_a_slow_request_of_its_owner_is_served(client, patient):
    tokens = (await login(client)).json()
    answer = await make_key(client, patient, bearer(tokens), nothing)
    assert answer.status_code == 201, answer.text
    key = {"x-api-key": answer.json()["key"]}
    assert (
        await slow(client, patient, "/auth/logout", {}, key, meanwhile=nothing)
    ).status_code < 500


async def test_a_token_that_ended_meanwhile_makes_no_key(client, patient):
    stolen = (await login(client)).json()
    owner = (await client.app.accounts.store.by_email(EMAIL)).id

    async def everything_ends():
        await client.app.accounts.sign_in.end_all(owner)

    answer = await make_key(client, patient, bearer(stolen), everything_ends)
    assert answer.status_code == 401, answer.text
    fresh = bearer((await login(client)).json())
    kept = (await client.get("/auth/api-keys", headers=fresh)).json()
    assert KEY["name"] not in json.dumps(kept)


async def test_a_key_that_ended_meanwhile_makes_no_other(client, patient):
    tokens = bearer((await login(client)).json())
    body = {"name": "stolen", "scopes": ["api_keys:write"]}
    made = (await client.post("/auth/api-keys", json=body, headers=tokens)).json()
    successor = {"name": "successor", "scopes": ["api_keys:write"]}

    async def it_is_revoked():
        gone = await client.delete(f"/auth/api-keys/{made['id']}", headers=tokens)
        assert gone.status_code < 300, gone.text

    headers = {"x-api-key": made["key"]}
    path = "/auth/api-keys"
    answer = await slow(client, patient, path, successor, headers, meanwhile=it_is_revoked)
    assert answer.status_code == 401, answer.text
    assert "successor" not in (await client.get(path, headers=tokens)).text


async def test_an_administrator_who_is_none_any_more_changes_nothing(client, patient):
    """Roles are in the token; taking one away refuses the token."""
    tokens = (await login(client)).json()
    owner = (await client.app.accounts.store.by_email(EMAIL)).id

    async def roles_change():
        await client.app.accounts.sessions.renew([owner])

    answer = await make_key(client, patient, bearer(tokens), roles_change)
    assert answer.status_code == 401, answer.text


async def test_a_cookie_that_ended_or_was_replaced_meanwhile_is_none() -> None:
    here = World()
    record, cookie = await here.sign_in()
    request = here.exchange(cookie)
    principal = await here.scheme.authenticate(request)
    assert await here.scheme.reconsider(request) == principal
    await here.sessions.rotate(record)
    assert await here.scheme.reconsider(request) is None


async def test_a_key_over_its_limit_and_a_spent_proof_are_not_judged_twice() -> None:
    world = Keys()
    issued = await world.issue("posts:read")
    request = world.exchange(issued.secret.reveal())
    world.scheme._limit = None
    principal = await world.scheme.authenticate(request)
    world.scheme._limit = Refusing()
    assert await world.scheme.reconsider(request) == principal
    assert await world.scheme.reconsider(keyless()) is None
    await world.keys.revoke(person(), issued.record.id)
    with pytest.raises(APIKeyError):
        await world.scheme.reconsider(request)


class Refusing:
    """Never to be asked."""


async def test_a_key_that_is_stored_while_everything_ends_ends_too(client, monkeypatch):
    """The body was quick enough; the owner's reset is over before the key is stored."""
    stolen = bearer((await login(client)).json())
    owner = (await client.app.accounts.store.by_email(EMAIL)).id
    keys = next(each for each in client.app.assembly.services.values() if isinstance(each, APIKeys))
    create, made = keys._store.create, []

    async def late(key, **more):
        await client.app.accounts.sign_in.end_all(owner)
        await keys.revoke_all(owner)
        made.append(key)
        return await create(key, **more)

    monkeypatch.setattr(keys._store, "create", late)
    answer = await client.post("/auth/api-keys", json=KEY, headers=stolen)
    assert answer.status_code == 401, answer.text
    assert (await keys._store.get(made[0].id)).revoked


@pytest.mark.parametrize("way", ["issue", "rotate"])
async def test_a_key_that_was_revoked_leaves_no_successor(way) -> None:
    world = Keys()
    stolen = await world.issue("api_keys:write", "posts:read")
    request = world.exchange(stolen.secret.reveal())
    request.principal = await world.scheme.authenticate(request)
    thief, name = Actor.of(request), "create" if way == "issue" else "rotate"
    act, made = getattr(world.store, name), []

    async def late(*given, **more):
        await world.keys.revoke(person(), stolen.record.id)
        made.append(next(each for each in given if isinstance(each, APIKey)))
        if way == "rotate":
            # It was rotated a moment before: the store alone cannot tell.
            await world.store.create(made[0], now=more["now"], most=99)
            return True
        return await act(*given, **more)

    setattr(world.store, name, late)
    asked = KeyRequest(name="mine", scopes=["posts:read"], owner_id="ada")
    acts = {"issue": (thief, asked), "rotate": (thief, stolen.record.id)}
    with pytest.raises(AuthenticationError):
        await getattr(world.keys, way)(*acts[way])
    assert (await world.store.get(made[0].id)).revoked
