from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import ALICE, EMAIL, OTHER_PASSWORD, PASSWORD
from tests.accounts.fakes import World, principal
from zenith.accounts import AccountSettings, InvalidCredentialsError
from zenith.kernel.errors import AuthenticationError, RateLimitError, ServiceUnavailableError
from zenith.kernel.events import EventType
from zenith.kernel.keys import digest
from zenith.passwords import PasswordHasher, PasswordSettings


async def made(**settings):
    world = World(settings=AccountSettings(**settings))
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.account = await world.accounts.by_email(EMAIL)
    world.events.recorded.clear()
    return world


@pytest.fixture
async def world():
    return await made()


async def test_a_browser_gets_a_session_and_its_cookie(world):
    signed_in = await world.sign_in.with_cookie(" ADA@example.org", PASSWORD, client=ALICE)
    record = await world.sessions.find(digest(signed_in.cookie))
    assert record == signed_in.session
    assert (record.kind, record.address, record.user_agent) == ("browser", ALICE.address, "test")
    assert record.factors == {"password": world.time()}
    assert world.events.types == [EventType.LOGIN_SUCCESS]
    assert (await world.accounts.by_email(EMAIL)).last_sign_in_at == world.time()
    assert signed_in.cookie not in repr(signed_in)


async def test_a_program_gets_a_pair_of_tokens(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert await world.holds(pair.access_token)
    assert pair.expires_in == 900
    assert (await world.sessions.get(pair.session_id)).kind == "tokens"
    assert pair.access_token not in repr(pair)


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        (EMAIL, OTHER_PASSWORD, "wrong password"),
        ("nobody@example.org", PASSWORD, "no such account"),
        ("nobody", PASSWORD, "no such account"),
        (EMAIL, "", "wrong password"),
        (EMAIL, "\ud800", "wrong password"),
    ],
)
async def test_all_that_is_wrong_gets_one_answer(world, email, password, reason):
    with pytest.raises(InvalidCredentialsError) as caught:
        await world.sign_in.with_cookie(email, password, client=ALICE)
    assert caught.value.detail == "E-mail or password is wrong"
    (event,) = world.events.recorded
    assert (event.type, event.outcome, event.reason) == (EventType.LOGIN_FAILED, "failure", reason)
    assert event.subject is None


async def test_a_locked_account_is_a_wrong_password(world):
    await world.accounts.set_locked(world.account.id, 1.0, keep_one=None)
    with pytest.raises(InvalidCredentialsError) as caught:
        await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert caught.value.detail == "E-mail or password is wrong"
    assert world.events.recorded[0].reason == "account is locked"


async def test_every_attempt_costs_one_verification(world, monkeypatch):
    calls = []
    verify = world.hasher.verify_and_update

    async def counting(password, stored):
        calls.append(stored is None)
        return await verify(password, stored)

    monkeypatch.setattr(world.hasher, "verify_and_update", counting)
    for email in (EMAIL, "nobody@example.org", "nobody"):
        with pytest.raises(InvalidCredentialsError):
            await world.sign_in.verify(email, OTHER_PASSWORD, client=ALICE)
    assert calls == [False, True, True]


async def test_too_many_attempts_are_refused_before_any_work():
    world = await made(sign_in_limit="2/minute")
    for _ in range(2):
        with pytest.raises(InvalidCredentialsError):
            await world.sign_in.verify(EMAIL, OTHER_PASSWORD, client=ALICE)
    with pytest.raises(RateLimitError):
        await world.sign_in.verify(EMAIL, PASSWORD, client=ALICE)
    assert world.events.types[-1] is EventType.LOGIN_BLOCKED
    assert world.events.recorded[-1].target is not None


async def test_an_old_hash_is_made_anew(world):
    world.sign_in._hasher = PasswordHasher(
        PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4, workers=1)
    )
    await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)
    renewed = await world.accounts.by_email(EMAIL)
    assert renewed.password_hash != world.account.password_hash
    assert renewed.password_changed_at == world.account.password_changed_at


async def test_the_session_from_before_ends(world):
    first = await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)
    present = principal(world.account.id, session_id=first.session.id)
    second = await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE, replaces=present)
    assert second.session.id != first.session.id
    assert await world.sessions.get(first.session.id) is None
    assert EventType.SESSION_ENDED in world.events.types
    without = principal(world.account.id)
    await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE, replaces=without)
    assert await world.sessions.get(second.session.id) is not None


async def lock(world):
    await world.administration.lock(principal("root"), world.account.id, client=ALICE)


async def change_password(world):
    who = principal(world.account.id, session_id="other")
    world.pass_time(0.001)
    await world.password_change.change(who, PASSWORD, OTHER_PASSWORD, client=ALICE)


async def remove(world):
    del world.accounts._accounts[world.account.id]


@pytest.mark.parametrize("meanwhile", [lock, change_password, remove])
@pytest.mark.parametrize("flow", ["with_cookie", "with_tokens"])
async def test_what_happens_during_the_sign_in_is_not_outrun(world, monkeypatch, meanwhile, flow):
    verify = world.hasher.verify_and_update

    async def slow(password, stored):
        found = await verify(password, stored)
        monkeypatch.undo()
        await meanwhile(world)
        return found

    monkeypatch.setattr(world.hasher, "verify_and_update", slow)
    with pytest.raises(InvalidCredentialsError):
        await getattr(world.sign_in, flow)(EMAIL, PASSWORD, client=ALICE)
    assert await world.sessions.list(world.account.id) == []
    assert world.events.types[-1] is EventType.LOGIN_FAILED


async def test_no_sign_in_remains_where_no_token_could_be_issued(world, monkeypatch):
    async def fail(family):
        raise ServiceUnavailableError

    monkeypatch.setattr(world.refresh_store, "start", fail)
    with pytest.raises(ServiceUnavailableError):
        await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert await world.sessions.list(world.account.id) == []


async def test_signing_out_ends_tokens_and_session(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    who = principal(world.account.id, session_id=pair.session_id)
    await world.sign_in.sign_out(who, client=ALICE)
    assert not await world.holds(pair.access_token)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(pair.refresh_token, client=ALICE)
    assert world.events.types[-1] is EventType.LOGOUT
    await world.sign_in.sign_out(principal("key"), client=ALICE)
    assert world.events.types.count(EventType.LOGOUT) == 1


async def test_a_sign_out_that_failed_half_way_can_be_repeated(world, monkeypatch):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    who = principal(world.account.id, session_id=pair.session_id)

    async def fail(revocations):
        raise ServiceUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(world.revocation_store, "add", fail)
        with pytest.raises(ServiceUnavailableError):
            await world.sign_in.sign_out(who, client=ALICE)
    assert await world.holds(pair.access_token)
    await world.sign_in.sign_out(who, client=ALICE)
    assert not await world.holds(pair.access_token)


@pytest.mark.parametrize("step", ["add", "end_all"])
async def test_a_sign_out_everywhere_that_failed_half_way_can_be_repeated(world, monkeypatch, step):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    who = principal(world.account.id, session_id=pair.session_id)

    async def fail(*args, **more):
        raise ServiceUnavailableError

    store = world.revocation_store if step == "add" else world.session_store
    with monkeypatch.context() as patch:
        patch.setattr(store, step, fail)
        with pytest.raises(ServiceUnavailableError):
            await world.sign_in.sign_out_everywhere(who, client=ALICE)
    world.time.now += 1
    assert await world.sign_in.sign_out_everywhere(who, client=ALICE) == 1
    assert not await world.holds(pair.access_token)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(pair.refresh_token, client=ALICE)


async def test_tokens_without_a_session_end_everywhere_too(world):
    loose = world.manager.issue_access(world.account.id)
    assert await world.holds(loose)
    world.time.now += 1
    await world.sign_in.sign_out_everywhere(principal(world.account.id), client=ALICE)
    assert not await world.holds(loose)


async def test_all_others_end(world):
    kept = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    other = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    who = principal(world.account.id, session_id=kept.session_id)
    assert await world.sign_in.sign_out_everywhere(who, client=ALICE, keep_current=True) == 1
    assert await world.holds(kept.access_token)
    assert not await world.holds(other.access_token)
    await world.grants.rotate(kept.refresh_token, client=ALICE)


async def test_ends_one_of_ones_own_only(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    stranger = principal("mallory", session_id="x")
    assert not await world.sign_in.end_session(stranger, pair.session_id, client=ALICE)
    assert await world.holds(pair.access_token)
    who = principal(world.account.id, session_id="x")
    assert await world.sign_in.end_session(who, pair.session_id, client=ALICE)
    assert not await world.holds(pair.access_token)
    assert world.events.types[-1] is EventType.SESSION_ENDED


async def test_a_session_without_cookie_signs_no_browser_in(world, monkeypatch):
    start = world.sessions.start

    async def bare(*args, **more):
        record, _ = await start(*args, **more)
        return replace(record), None

    monkeypatch.setattr(world.sessions, "start", bare)
    with pytest.raises(AuthenticationError):
        await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)
