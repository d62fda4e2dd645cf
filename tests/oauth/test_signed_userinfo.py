"""UserInfo that comes as a signed token (OpenID Connect Core 1.0 section 5.3.2)."""

from __future__ import annotations

import pytest

from tests.oauth.fake import KEY
from tests.oauth.flow import Journey
from zenith.oauth import ProviderError
from zenith.tokens import generate_key

WITHOUT = {"email": None, "email_verified": None}
CLAIMS = {"sub": "s1", "email": "ada@example.org", "email_verified": True}


@pytest.fixture
def journey():
    journey = Journey()
    journey.provider.signed = KEY
    return journey


async def test_it_is_believed(journey):
    journey.provider.userinfo = CLAIMS
    identity = (await journey.travel(visit=WITHOUT)).identity
    assert (identity.email, identity.email_verified) == ("ada@example.org", True)


@pytest.mark.parametrize(
    "claims", [{"sub": "s2"}, {"iss": "https://eve.example.org"}, {"aud": "another"}, {"aud": None}]
)
async def test_what_is_about_somebody_else_or_for_others_is_not(journey, claims):
    journey.provider.userinfo = {**CLAIMS, **claims}
    with pytest.raises(ProviderError):
        await journey.travel(visit=WITHOUT)


@pytest.mark.parametrize(
    "key", [generate_key("ES256", kid=KEY.kid), generate_key("ES256", kid="x")]
)
async def test_nor_what_others_signed(journey, key):
    journey.provider.userinfo, journey.provider.signed = CLAIMS, key
    with pytest.raises(ProviderError):
        await journey.travel(visit=WITHOUT)
