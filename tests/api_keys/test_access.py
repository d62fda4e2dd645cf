from __future__ import annotations

from dataclasses import replace

import pytest

from zenith.api_keys import MANAGE_OWN, called_by_key, may_make_keys, may_manage_keys
from zenith.api_keys.access import CalledByKey, MayManageKeys
from zenith.kernel.principal import ANONYMOUS, Principal

NOW = 1_000_000.0
ADA = Principal(subject="ada", scheme="session")
KEY = Principal(subject="k", kind="api_key", scopes=frozenset({"posts:read"}))
MANAGING = replace(KEY, scopes=frozenset({MANAGE_OWN}))


def allowed(principal: Principal, *, within: float | None = None) -> bool:
    return MayManageKeys(within=within, clock=lambda: NOW).decide(principal).allowed


def test_keys_are_managed_by_people_and_by_those_who_were_given_it() -> None:
    assert allowed(ADA)
    assert allowed(MANAGING)
    assert allowed(replace(ADA, scopes=frozenset({MANAGE_OWN})))
    for principal in (
        ANONYMOUS,
        KEY,
        replace(ADA, scopes=frozenset()),
        replace(ADA, kind="service"),
    ):
        assert not allowed(principal)


@pytest.mark.parametrize(("age", "enough"), [(0, True), (600, True), (601, False), (-90, False)])
def test_making_one_needs_a_recent_proof(age: float, enough: bool) -> None:
    """A key outlives the session, so one that was left open is not enough (ASVS 7.5.3)."""
    proven = replace(ADA, factors={"oauth": NOW - age})
    assert allowed(proven, within=600) is enough
    assert allowed(proven)
    decision = MayManageKeys(within=600, clock=lambda: NOW).decide(ADA)
    assert decision.factors == ("password", "passkey")
    assert decision.max_age == 600
    assert allowed(MANAGING, within=600)


def test_a_route_may_ask_for_a_key() -> None:
    assert CalledByKey().decide(KEY).allowed
    assert not CalledByKey().decide(ADA).allowed


def test_they_say_what_they_are() -> None:
    assert "API key" in repr(called_by_key)
    assert "manage API keys" in repr(may_manage_keys)
    assert "make API keys" in repr(may_make_keys)
