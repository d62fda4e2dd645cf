from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, PASSWORD
from tests.accounts.fakes import World
from zenith.accounts.authentication_methods import authentication_claims


@pytest.mark.parametrize(
    ("factors", "methods"),
    [
        ({"password": 5.9}, ["pwd"]),
        ({"passkey": 5.0}, ["pop"]),
        ({"password": 5.0, "totp": 4.0}, ["mfa", "otp", "pwd"]),
        ({"password": 1.0, "passkey": 5.0}, ["mfa", "pop", "pwd"]),
        ({"recovery_code": 5.0, "totp": 4.0}, ["otp"]),
        ({"identity": 5.0}, ["identity"]),
    ],
)
def test_methods_have_the_names_of_the_registry(factors, methods):
    assert authentication_claims(factors) == {"auth_time": 5, "amr": methods}


def test_a_moment_that_nobody_told_is_not_made_up():
    assert authentication_claims({"oauth": 0.001}) == {"amr": ["oauth"]}
    assert authentication_claims({"oauth": 0.001, "totp": 5.0})["auth_time"] == 5


def test_without_factors_nothing_is_said():
    assert authentication_claims({}) == {}


async def test_access_tokens_say_when_and_how(tmp_path):
    world = World()
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    began = int(world.time())
    world.time.now += 300
    pair = await world.grants.rotate(pair.refresh_token, client=ALICE)
    claims = await world.manager.verify_token(pair.access_token)
    assert (claims["auth_time"], claims["amr"]) == (began, ["pwd"])
    assert claims["factors"] == {"password": began}
