"""Attack: borrow a browser whose owner is signed in at the provider, and let the provider, which
asks for nothing there, prove that one is the owner (ASVS 7.5.3, OpenID Connect Core 3.1.2.1).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest

from tests.oauth.conftest import open_site, shared_site, site  # noqa: F401
from tests.oauth.flow import Journey
from tests.oauth.test_routes import API, me, submit, tokens
from zenith.kernel.keys import Secret
from zenith.oauth import GitHub, NotAskedError

LONG_AGO = 3600


def owner(site, name, **visit):  # noqa: F811
    """Somebody who came by way of the provider, and how."""
    who = {"subject": name, "email": f"{name}@example.org"}
    visitor = site.visitor()
    assert site.travel(visitor, **who, **visit).status_code == 303
    return visitor, who


def may_change(visitor):
    """Whether the page that asks for a recent proof lets this session go on."""
    return submit(visitor, "/account/identities/oidc/link").status_code == 200


def test_a_sign_in_that_the_provider_does_not_date_is_no_recent_proof(site):  # noqa: F811
    asked, _ = owner(site, "dated")
    assert may_change(asked)
    unasked, _ = owner(site, "undated", auth_time=None)
    assert me(unasked).status_code == 200
    assert not may_change(unasked)


@pytest.mark.parametrize("kind", ["none", "old"])
def test_a_confirmation_counts_only_if_the_provider_says_that_it_asked(site, kind):  # noqa: F811
    then = None if kind == "none" else int(site.provider.clock()) - LONG_AGO
    visitor, who = owner(site, f"confirms-{kind}", auth_time=then)
    before = me(visitor).json()["factors"]
    page = submit(visitor, "/account/identities/oidc/confirm")
    url = page.headers["refresh"].partition("url=")[2]
    fields = site.provider.visit(url, **who, auth_time=then)
    refused = visitor.client.get("/auth/oidc/callback", params=fields, headers=API)
    assert (refused.status_code, refused.json()["code"]) == (403, "oauth_not_asked")
    assert me(visitor).json()["factors"] == before
    assert not may_change(visitor)


def test_the_tokens_of_such_a_sign_in_tell_others_no_time(site):  # noqa: F811
    who = {"subject": "untold", "email": "untold@example.org", "auth_time": None}
    pair = tokens(site, site.visitor(), who).json()
    part = pair["access_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert claims["amr"] == ["oauth"]
    assert "auth_time" not in claims
    program = site.visitor().client
    bearer = API | {"authorization": f"Bearer {pair['access_token']}"}
    answer = program.post("/auth/factors/totp", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "factor_required")


async def test_who_never_says_when_he_asked_is_not_gone_to():
    journey = Journey()
    github = GitHub(client_id="app", client_secret=Secret("s" * 40)).provider()
    with pytest.raises(NotAskedError) as caught:
        await journey.leave(github, purpose="confirm")
    assert "GitHub does not prove that it asked you again" in caught.value.detail
    assert not journey.provider.requests
