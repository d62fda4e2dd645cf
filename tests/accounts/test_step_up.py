"""Proving again, within a session, that it is still the owner."""

from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, PASSWORD
from tests.accounts.fakes import World
from zenith.accounts import InvalidCredentialsError, PasswordCheck, StepUp
from zenith.accounts.step_up import MAX_PROOF
from zenith.kernel.errors import (
    AuthenticationError,
    ConflictError,
    PermissionDeniedError,
    RateLimitError,
    ValidationError,
)
from zenith.kernel.events import EventType
from zenith.kernel.principal import Principal


class Codes:
    """A factor whose codes hold once."""

    def __init__(self, *codes):
        self.codes = set(codes)

    async def is_held(self, account):
        return bool(self.codes)

    async def verify(self, account, proof, client):
        if proof not in self.codes:
            return False
        self.codes.remove(proof)
        return True


@pytest.fixture
async def world():
    world = World()
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.account = await world.accounts.by_email(EMAIL)
    world.step_up = StepUp(
        {"password": PasswordCheck(world.hasher), "totp": Codes("123456")},
        accounts=world.accounts,
        sessions=world.sessions,
        grants=world.grants,
        limits=world.limits,
        events=world.events,
        clock=world.time,
    )
    return world


def principal_of(session):
    return Principal(
        subject=session.account_id,
        session_id=session.id,
        factors=session.factors,
        scheme="session" if session.digest else "bearer",
    )


async def browser(world):
    return (await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)).session


async def program(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    return pair, await world.sessions.get(pair.session_id)


async def confirm(world, session, factor="password", proof=PASSWORD, **more):
    given = {"client": ALICE, "session": session if session.digest else None}
    return await world.step_up.confirm(principal_of(session), factor, proof, **given | more)


async def test_a_browser_gets_a_new_cookie_and_the_time_is_noted(world):
    session = await browser(world)
    world.time.now += 3600
    confirmed = await confirm(world, session)
    assert (confirmed.factor, confirmed.proven_at) == ("password", world.time())
    assert confirmed.cookie
    assert confirmed.access is None
    assert await world.sessions.find(session.digest) is None
    present = await world.sessions.get(session.id)
    assert present == confirmed.session
    assert present.factors == {"password": world.time()}
    event = world.events.recorded[-1]
    assert (event.type, event.outcome, event.subject, event.session_id, event.reason) == (
        EventType.STEP_UP,
        "success",
        world.account.id,
        session.id,
        "password",
    )


async def test_a_further_factor_leaves_the_others_as_they_were(world):
    session = await browser(world)
    signed_in_at = world.time()
    world.time.now += 60
    confirmed = await confirm(world, session, "totp", "123456")
    assert confirmed.session.factors == {"password": signed_in_at, "totp": world.time()}


async def test_a_program_gets_an_access_token_that_says_so(world):
    pair, session = await program(world)
    world.time.now += 3600
    confirmed = await confirm(world, session)
    assert confirmed.cookie is None
    assert confirmed.access.expires_in == 900
    claims = await world.manager.verify_token(confirmed.access.token)
    assert claims["factors"] == {"password": int(world.time())}
    assert claims["sid"] == session.id
    again = await world.grants.rotate(pair.refresh_token, client=ALICE)
    claims = await world.manager.verify_token(again.access_token)
    assert claims["factors"] == {"password": int(world.time())}


@pytest.mark.parametrize(
    ("factor", "proof", "says"),
    [
        ("password", "wrong", "The password is wrong"),
        ("password", "x" * (MAX_PROOF + 1), "The password is wrong"),
        ("totp", "654321", "That is not valid, or was used before"),
    ],
)
async def test_a_wrong_proof_changes_nothing_and_is_recorded(world, factor, proof, says):
    session = await browser(world)
    with pytest.raises(InvalidCredentialsError, match=says):
        await confirm(world, session, factor, proof)
    assert await world.sessions.find(session.digest) == session
    event = world.events.recorded[-1]
    assert (event.type, event.outcome, event.severity) == (
        EventType.STEP_UP,
        "failure",
        "WARNING",
    )
    assert event.reason == f"wrong {factor}"


async def test_an_unknown_factor_is_invalid_input(world):
    session = await browser(world)
    for factor in ("passkey", "", "__class__"):
        with pytest.raises(ValidationError):
            await confirm(world, session, factor)


async def test_credentials_without_a_sign_in_have_nothing_to_confirm(world):
    account = world.account.id
    for who in (
        Principal(subject=account, scheme="bearer"),
        Principal(subject=account, kind="api_key", session_id="s"),
    ):
        with pytest.raises(PermissionDeniedError):
            await world.step_up.confirm(who, "password", PASSWORD, client=ALICE, session=None)


async def test_a_locked_or_deleted_account_confirms_nothing(world):
    session = await browser(world)
    stranger = Principal(subject="gone", session_id="s")
    with pytest.raises(AuthenticationError):
        await world.step_up.confirm(stranger, "password", PASSWORD, client=ALICE, session=None)
    await world.accounts.set_locked(world.account.id, 1.0, keep_one=None)
    with pytest.raises(AuthenticationError):
        await confirm(world, session)


async def test_attempts_are_counted_before_the_proof_is_looked_at(world):
    session = await browser(world)
    refused = 0
    while refused < 100:
        refused += 1
        try:
            await confirm(world, session, proof="wrong")
        except InvalidCredentialsError:
            continue
        except RateLimitError:
            break
    assert 1 < refused < 100
    with pytest.raises(RateLimitError):
        await confirm(world, session, "totp", "123456")


async def test_a_proof_beside_a_cookie_that_was_replaced_counts_for_nothing(world):
    session = await browser(world)
    await confirm(world, session)
    with pytest.raises(ConflictError):
        await confirm(world, session)


async def test_a_session_that_ended_meanwhile_stays_ended(world):
    session = await browser(world)
    await world.sessions.end(session.id, account_id=session.account_id)
    with pytest.raises(AuthenticationError):
        await confirm(world, session)


async def test_what_an_account_can_prove(world):
    assert world.step_up.kinds == ("password", "totp")
    assert await world.step_up.held(world.account) == ("password", "totp")
    assert await world.step_up.held(world.account, ["totp", "passkey"]) == ("totp",)
    session = await browser(world)
    await confirm(world, session, "totp", "123456")
    assert await world.step_up.held(world.account) == ("password",)
