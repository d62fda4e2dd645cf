"""The guides' tokens: one class of functions, one manager, one dependency."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from examples.guide.tokens import token_functions, token_manager
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.tokens import TokenError, TokenManager


def claims_of(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.mark.parametrize(
    "secret", ["your-secret-key-change-in-production", "your-secret-key", "a" * 64, ""]
)
def test_a_guessable_key_is_refused(secret):
    """The guides keep a key in the source, and code that forgets to change it runs."""
    with pytest.raises(ConfigurationError):
        TokenManager(secret)


async def test_access_token_has_every_claim_and_true_times(guide):
    """The guides add naive `utcnow()` times, no issuer and no audience: a server in another zone
    misreads the former, and any other service with the key takes the token for its own."""
    claims = claims_of(token_functions(guide.app).create_access_token({"sub": "ada"}))
    assert abs(claims["iat"] - wall_clock()) < 5
    assert claims["exp"] - claims["iat"] == pytest.approx(15 * 60, abs=1)
    assert claims["type"] == "access"
    assert {"iss", "aud", "jti"} <= claims.keys()


async def test_expires_delta_is_honored(guide):
    """The guide's own test passes `expires_delta`, which its function does not take."""
    tokens = token_functions(guide.app)
    token = tokens.create_access_token({"sub": "ada"}, expires_delta=timedelta(seconds=30))
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == pytest.approx(30, abs=1)


async def test_data_cannot_overwrite_the_managers_claims(guide):
    """The guide merges any dictionary: `exp` of whoever fills it would be kept or lost silently."""
    with pytest.raises(ValueError, match="exp"):
        token_functions(guide.app).create_access_token({"sub": "ada", "exp": 2**40})
    with pytest.raises(ValueError, match="would not verify"):
        token_functions(guide.app).create_access_token({"email": "ada@example.org"})


async def test_a_refresh_token_can_be_revoked_like_any_other(guide):
    """The guide's refresh token has no `jti`: it cannot be revoked, and `revoke_token(None)`
    revokes all of them at once."""
    tokens = token_functions(guide.app)
    first, second = (tokens.create_refresh_token({"sub": "ada"}) for _ in range(2))
    jti = (await tokens.verify_token(first, expected_type="refresh"))["jti"]
    await tokens.revoke_token(jti)
    with pytest.raises(TokenError):
        await tokens.verify_token(first, expected_type="refresh")
    assert (await tokens.verify_token(second, expected_type="refresh"))["sub"] == "ada"


async def test_neither_kind_passes_for_the_other(guide):
    """In the guide the claim alone separates them; here the header's `typ` does too."""
    tokens = token_functions(guide.app)
    access = tokens.create_access_token({"sub": "ada"})
    refresh = tokens.create_refresh_token({"sub": "ada"})
    for token, kind in ((refresh, "access"), (access, "refresh")):
        with pytest.raises(TokenError):
            await tokens.verify_token(token, expected_type=kind)


async def test_revocation_survives_a_restart(start_guide):
    """The guide keeps revoked ids in a set of one process: a restart or a second worker takes the
    stolen token back."""
    before = await start_guide()
    tokens = token_functions(before.app)
    token = tokens.create_access_token({"sub": "ada"})
    jti = (await tokens.verify_token(token))["jti"]
    await tokens.revoke_token(jti)
    await before.stop()
    after = token_functions((await start_guide()).app)
    assert await after.is_token_revoked(jti)
    with pytest.raises(TokenError):
        await after.verify_token(token)


async def test_a_refusal_does_not_say_what_was_wrong(guide):
    """The guides put the library's message into the answer: who forges learns what to correct."""
    tokens = token_functions(guide.app)
    token = tokens.create_access_token({"sub": "ada"})
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    answers = set()
    for wrong in (forged, "not a token", tokens.create_refresh_token({"sub": "ada"})):
        with pytest.raises(TokenError) as caught:
            await tokens.verify_token(wrong)
        answers.add(caught.value.detail)
    assert len(answers) == 1


async def test_the_manager_issues_permissions(guide):
    """The second guide catches `jwt.JWTError`, which its library does not have: a bad token is an
    AttributeError, so a 500. It checks no type, and its tokens have no `jti`."""
    manager = token_manager(guide.app)
    token = manager.create_token("ada", permissions=["reports:read"])
    claims = await manager.verify_token(token)
    assert claims["permissions"] == ["reports:read"]
    assert claims["jti"]
    for wrong in ("", "a.b.c", token + "x", token.upper()):
        with pytest.raises(TokenError):
            await manager.verify_token(wrong)


async def test_protected_greets_the_account_behind_the_token(guide):
    """The guide's dependency takes any subject: a token outlives the account it was issued to."""
    bearer = await guide.bearer()
    me = (await guide.client.get("/auth/me", headers=bearer)).json()
    answer = await guide.client.get("/protected", headers=bearer)
    assert answer.json() == {"message": f"Hello user {me['id']}"}
    ghost = token_functions(guide.app).create_access_token({"sub": "nobody"})
    refused = await guide.client.get("/protected", headers={"Authorization": f"Bearer {ghost}"})
    assert refused.status_code == 401


async def test_protected_answers_401_without_a_token(guide):
    """`HTTPBearer` of older frameworks answers 403 without a challenge; RFC 6750 wants 401."""
    answer = await guide.client.get("/protected")
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]


async def test_routes_refuse_what_the_functions_revoke(guide):
    """In the guide nothing but `verify_token` looks at revocations."""
    bearer = await guide.bearer()
    me = (await guide.client.get("/auth/me", headers=bearer)).json()
    tokens = token_functions(guide.app)
    own = tokens.create_access_token({"sub": me["id"]})
    headers = {"Authorization": f"Bearer {own}"}
    assert (await guide.client.get("/protected", headers=headers)).status_code == 200
    await tokens.revoke_token((await tokens.verify_token(own))["jti"])
    assert (await guide.client.get("/protected", headers=headers)).status_code == 401
