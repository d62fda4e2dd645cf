"""Adding and removing one's own second factors, on engines alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import ALICE, EMAIL, PASSWORD
from tests.mfa.world import FactorWorld
from zenith.authorization import FactorRequiredError
from zenith.kernel.errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    ValidationError,
)
from zenith.kernel.events import EventType
from zenith.kernel.principal import Principal
from zenith.mfa import EnrolmentFailedError, FactorExistsError
from zenith.mfa.challenges import LIFETIME


@pytest.fixture
async def world():
    world = FactorWorld()
    world.person = await world.join()
    return world


async def confirm(world, begun, code=None):
    proof = world.code(begun.secret) if code is None else code
    return await world.enrolment.confirm_totp(world.person, begun.ticket, proof, client=ALICE)


async def test_the_same_secret_is_shown_again_after_a_wrong_code(world):
    begun = await world.enrolment.begin_totp(world.person)
    with pytest.raises(EnrolmentFailedError) as caught:
        await confirm(world, begun, "000000")
    assert caught.value.reason == "wrong code"
    again = world.enrolment.reopen_totp(world.account, world.person, begun.ticket)
    assert (again.secret, again.uri) == (begun.secret, begun.uri)
    assert (await confirm(world, again)).recovery_codes


async def test_a_ticket_is_the_sessions_own_and_ends(world):
    begun = await world.enrolment.begin_totp(world.person)
    other = replace(world.person, session_id="other")
    with pytest.raises(EnrolmentFailedError, match="confirm the factor"):
        world.enrolment.reopen_totp(world.account, other, begun.ticket)
    world.time.now += LIFETIME
    world.person = await world.owner()
    begun = await world.enrolment.begin_totp(world.person)
    world.time.now += LIFETIME
    with pytest.raises(EnrolmentFailedError) as caught:
        world.enrolment.reopen_totp(world.account, world.person, begun.ticket)
    assert caught.value.reason == "the enrolment took too long"


async def test_a_ticket_serves_once_and_an_account_has_one_app(world):
    begun = await world.enrolment.begin_totp(world.person)
    late = await world.enrolment.begin_totp(world.person)
    await confirm(world, begun)
    world.person = world.proven(world.person, "totp")
    with pytest.raises(EnrolmentFailedError) as caught:
        await confirm(world, begun)
    assert caught.value.reason == "the ticket was used"
    with pytest.raises(FactorExistsError):
        await confirm(world, late)
    with pytest.raises(FactorExistsError):
        await world.enrolment.begin_totp(world.person)


async def test_only_the_first_factor_ends_other_sign_ins_and_brings_codes(world):
    begun = await world.enrolment.begin_totp(world.person)
    other = await world.owner()
    added = await confirm(world, begun)
    assert len(added.recovery_codes) == 10
    assert await world.base.sessions.get(other.session_id) is None
    assert await world.base.sessions.get(world.person.session_id) is not None
    assert EventType.FACTOR_ADDED in world.events.types


async def test_a_change_needs_a_recent_proof_of_an_active_person(world):
    for nobody in (
        replace(world.person, session_id=None),
        Principal(subject="nobody", session_id="x"),
    ):
        with pytest.raises(AuthenticationError):
            await world.enrolment.begin_totp(nobody)
    stale = replace(world.person, factors={"password": world.time() - 601})
    with pytest.raises(FactorRequiredError):
        await world.enrolment.begin_totp(stale)
    await world.add_totp(world.person)
    with pytest.raises(FactorRequiredError) as caught:
        await world.enrolment.remove_totp(world.person, client=ALICE)
    assert "totp" in str(caught.value.headers)


async def test_who_signed_in_by_a_provider_may_prove_that_again(world):
    stale = {"oauth": world.time() - 601, "trusted_device": world.time()}
    with pytest.raises(FactorRequiredError) as caught:
        await world.enrolment.begin_totp(replace(world.person, factors=stale))
    assert caught.value.factors == ("oauth", "password")
    fresh = replace(world.person, factors={"oauth": world.time()})
    assert await world.enrolment.begin_totp(fresh)


async def test_the_last_recovery_code_is_enough_to_replace_what_is_lost(world):
    """Nothing is left to prove but the code that has just been spent."""
    begun = await world.enrolment.begin_totp(world.person)
    for code in (await confirm(world, begun)).recovery_codes:
        world.time.now += 24 * 60 * 60
        due = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
        await world.sign_in.finish_tokens(due.challenge, "recovery_code", code, client=ALICE)
    session, *_ = await world.base.sessions.list(world.account.id)
    back = replace(world.person, session_id=session.id, factors=session.factors)
    assert (await world.enrolment.overview(back.subject)).counts.recovery_codes == 0
    assert len(await world.enrolment.renew_recovery_codes(back, client=ALICE)) == 10
    await world.enrolment.remove_totp(back, client=ALICE)
    assert await world.enrolment.begin_totp(back)


async def test_names_of_passkeys_are_plain(world):
    for name in (" ", "a\nb", "x" * 61):
        with pytest.raises(ValidationError):
            await world.enrolment.rename_passkey(world.person, "x", name)
    with pytest.raises(NotFoundError):
        await world.enrolment.rename_passkey(world.person, "x", "Mine")


async def test_who_has_nothing_has_nothing_to_remove_or_renew(world):
    with pytest.raises(NotFoundError):
        await world.enrolment.remove_totp(world.person, client=ALICE)
    with pytest.raises(NotFoundError):
        await world.enrolment.remove_passkey(world.person, "x", client=ALICE)
    with pytest.raises(NotFoundError):
        await world.enrolment.renew_recovery_codes(world.person, client=ALICE)


async def test_nobody_resets_an_account_with_roles_above_its_own(world):
    await world.add_totp(world.person)
    await world.accounts.set_roles(world.account.id, ["super_admin"], keep_one=None)
    helper = Principal(subject="helper", session_id="s")
    with pytest.raises(PermissionDeniedError):
        await world.reset.reset(helper, world.account.id, client=ALICE)
    due = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert due.kinds == ("totp", "recovery_code")
