from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import ALICE, EMAIL, OTHER_PASSWORD, PASSWORD
from tests.accounts.fakes import World
from zenith.accounts import (
    AccountSettings,
    InvalidEmailError,
    InvalidNameError,
    RegistrationClosedError,
    SetupLinkError,
    WeakPasswordError,
)
from zenith.kernel.errors import ConflictError, ServiceUnavailableError
from zenith.kernel.events import EventType

ROOT = "root@example.org"


@pytest.fixture
def world():
    return World(settings=AccountSettings(register_limit="100/minute"))


async def test_an_account_is_made_once(world):
    await world.registration.register("Ada@Example.org", PASSWORD, client=ALICE, name="  Ada ")
    account = await world.accounts.by_email(EMAIL)
    assert account is not None
    assert (account.email, account.name, account.roles) == ("Ada@example.org", "Ada", ("user",))
    assert PASSWORD not in (account.password_hash or "")
    assert account.password_changed_at == account.created_at == world.time()
    await world.registration.register(EMAIL, OTHER_PASSWORD, client=ALICE)
    assert await world.accounts.by_email(EMAIL) == account
    assert world.events.types == [EventType.ACCOUNT_CREATED, EventType.ACCOUNT_DUPLICATE]
    assert EMAIL not in repr(world.events.recorded)


async def test_of_many_at_once_one_makes_it(world):
    await asyncio.gather(
        *(world.registration.register(EMAIL, PASSWORD, client=ALICE) for _ in range(10))
    )
    assert world.events.types.count(EventType.ACCOUNT_CREATED) == 1


async def test_the_answer_takes_the_same_time(world):
    async def lasted():
        began = world.steady()
        await world.registration.register(EMAIL, PASSWORD, client=ALICE)
        return round(world.steady() - began, 6)

    assert await lasted() == await lasted() == 0.6


async def test_failures_of_the_store_take_that_time_too(world, monkeypatch):
    async def fail(account):
        raise ServiceUnavailableError

    monkeypatch.setattr(world.accounts, "create", fail)
    began = world.steady()
    with pytest.raises(ServiceUnavailableError):
        await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    assert world.steady() - began == pytest.approx(0.6)


async def test_closed_registration_makes_nothing():
    world = World(settings=AccountSettings(open_registration=False))
    with pytest.raises(RegistrationClosedError):
        await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    assert await world.accounts.by_email(EMAIL) is None


@pytest.mark.parametrize("password", ["tiny9", EMAIL + EMAIL, "password12345678"])
async def test_weak_passwords_are_refused_with_advice(world, password):
    with pytest.raises(WeakPasswordError) as caught:
        await world.registration.register(EMAIL, password, client=ALICE)
    assert all(fault["loc"] == ["body", "password"] for fault in caught.value.errors)
    assert password not in str(caught.value)


@pytest.mark.parametrize("name", ["a\x00b", "a\x1b[2Jb", "a\u202eb", "x" * 101])
async def test_names_that_cannot_be_shown_are_refused(world, name):
    with pytest.raises(InvalidNameError) as caught:
        await world.registration.register(EMAIL, PASSWORD, client=ALICE, name=name)
    assert caught.value.detail == caught.value.title
    assert name not in str(caught.value)


async def test_names_of_all_scripts_are_taken(world):
    name = "\u0646\u0648\u06cc\u0633\u0646\u062f\u0647\u200c\u0627\u06cc"
    await world.registration.register(EMAIL, PASSWORD, client=ALICE, name=name)
    account = await world.accounts.by_email(EMAIL)
    assert account is not None
    assert account.name == name


async def test_what_is_no_address_is_refused(world):
    with pytest.raises(InvalidEmailError):
        await world.registration.register("nobody", PASSWORD, client=ALICE)


async def test_the_setup_secret_creates_the_administrator_once(world):
    secret = await world.registration.issue_setup_secret()
    await world.registration.check_setup_secret(secret)
    made = await world.registration.create_administrator(secret, ROOT, PASSWORD, client=ALICE)
    assert made.roles == ("super_admin",)
    assert world.events.types == [EventType.ADMINISTRATOR_CREATED]
    with pytest.raises(SetupLinkError):
        await world.registration.check_setup_secret(secret)
    with pytest.raises(SetupLinkError):
        await world.registration.create_administrator(secret, "b@x.org", PASSWORD, client=ALICE)
    assert await world.registration.issue_setup_secret() is None


async def test_a_new_setup_secret_replaces_the_one_before(world):
    old = await world.registration.issue_setup_secret()
    new = await world.registration.issue_setup_secret()
    with pytest.raises(SetupLinkError):
        await world.registration.check_setup_secret(old)
    await world.registration.check_setup_secret(new)


async def test_the_setup_secret_expires(world):
    secret = await world.registration.issue_setup_secret()
    world.pass_time(world.settings.setup_link_lifetime)
    with pytest.raises(SetupLinkError):
        await world.registration.create_administrator(secret, ROOT, PASSWORD, client=ALICE)


async def test_a_mistake_in_the_form_does_not_spend_the_secret(world):
    secret = await world.registration.issue_setup_secret()
    with pytest.raises(WeakPasswordError):
        await world.registration.create_administrator(secret, ROOT, "short", client=ALICE)
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    with pytest.raises(ConflictError):
        await world.registration.create_administrator(secret, EMAIL, PASSWORD, client=ALICE)
    await world.registration.create_administrator(secret, ROOT, PASSWORD, client=ALICE)


async def test_strangers_learn_nothing_about_passwords(world):
    with pytest.raises(SetupLinkError):
        await world.registration.create_administrator("guess", ROOT, "short", client=ALICE)
    assert world.hasher.pool.outstanding == 0
    assert world.hasher.pool._executor is None  # no work was done


async def test_who_comes_second_with_the_secret_is_refused(world):
    secret = await world.registration.issue_setup_secret()
    results = await asyncio.gather(
        *(
            world.registration.create_administrator(
                secret, f"root{n}@example.org", PASSWORD, client=ALICE
            )
            for n in range(5)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, SetupLinkError) for result in results) == 4
    assert len(await world.accounts.page(after=None, limit=9)) == 1
