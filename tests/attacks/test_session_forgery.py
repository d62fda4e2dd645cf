"""Cookies that no sign-in issued: guessed, mutilated, in place of the secret, or by the thousand.

Each must read as "nobody", never as an error, and must cost neither memory nor other people's
place in the cache (ASVS 7.2.1, 7.2.3).
"""

from __future__ import annotations

import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sessions.fakes import World, exchange
from zenith.kernel.keys import digest
from zenith.sessions import SessionSettings


@pytest.fixture
def world() -> World:
    return World()


async def test_neither_digest_nor_id_is_worth_anything(world: World) -> None:
    """What the database and the session list show does not sign anybody in."""
    record, cookie = await world.sign_in()
    assert record.digest is not None
    for value in (record.id, record.digest, record.digest[:43], digest(cookie)[:43]):
        assert await world.subject_of(value) is None


async def test_a_value_of_another_form_never_reaches_the_store(world: World) -> None:
    _, cookie = await world.sign_in()
    forms = ["", '""', cookie[:-1], cookie + "A", cookie[:-1] + "=", cookie.swapcase()[:42] + "%"]
    for value in [*forms, "null", "' OR 1=1 --", "A" * 8000, cookie[:42] + "\xe9"]:
        assert await world.subject_of(value) is None
    assert world.store.reads == 0


async def test_case_matters(world: World) -> None:
    _, cookie = await world.sign_in()
    assert await world.subject_of(cookie.swapcase()) is None


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_cookie_header_is_an_error(world: World, text: str) -> None:
    for header in (text, f"__Host-zenith-session={text}", f"{text}__Host-zenith-session={text};"):
        assert await world.scheme.authenticate(exchange(header)) is None


async def test_a_second_cookie_of_the_name_does_not_count(world: World) -> None:
    """Cookie tossing: an attacker's cookie, planted behind the victim's, changes nothing."""
    _, cookie = await world.sign_in()
    _, mallory = await world.sign_in("mallory")
    name = "__Host-zenith-session"
    principal = await world.scheme.authenticate(exchange(f"{name}={cookie}; {name}={mallory}"))
    assert principal is not None
    assert principal.subject == "ada"


async def test_a_flood_of_made_up_cookies_evicts_nobody() -> None:
    world = World(settings=SessionSettings(cache_entries=2))
    _, cookie = await world.sign_in()
    await world.subject_of(cookie)
    for _ in range(100):
        assert await world.subject_of(secrets.token_urlsafe(32)) is None
    reads = world.store.reads
    assert await world.subject_of(cookie) == "ada"
    assert world.store.reads == reads
    assert len(world.scheme._cache._live) == 1


async def test_the_secret_is_in_no_repr(world: World) -> None:
    record, cookie = await world.sign_in()
    request = world.exchange(cookie)
    principal = await world.scheme.authenticate(request)
    for value in (record, principal, world.sessions, world.scheme):
        assert cookie not in repr(value)
