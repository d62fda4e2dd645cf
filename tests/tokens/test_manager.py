"""Tokens are issued with every claim and verified with all of them."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import import_key

from tests.tokens.fakes import OTHER_SECRET, SECRET, Time, manager, revocation_list
from zenith.authentication import Revocation
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.tokens import (
    KeyRing,
    TokenError,
    TokenManager,
    TokenSettings,
    generate_key,
    sign_compact,
)


def test_the_profile_of_access_tokens() -> None:
    time = Time()
    tokens = manager(time)
    token = tokens.issue_access(
        "account",
        session_id="session",
        roles={"user", "admin"},
        permissions=["users:read"],
        scopes=["write", "read"],
        factors={"password": 12.9},
        tenant="tenant",
        client_id="client",
    )
    claims = tokens.verify(token)
    jti = claims.pop("jti")
    assert len(jti) == 32
    assert claims == {
        "iss": "zenith",
        "aud": "zenith",
        "sub": "account",
        "iat": 1_800_000_000.25,
        "exp": 1_800_000_901,
        "type": "access",
        "sid": "session",
        "client_id": "client",
        "tenant": "tenant",
        "roles": ["admin", "user"],
        "permissions": ["users:read"],
        "scope": "read write",
        "factors": {"password": 12},
    }
    assert jws.extract_compact(token.encode()).headers() == {
        "alg": "HS256",
        "kid": tokens.keyring.keys[0].kid,
        "typ": "at+jwt",
    }


def test_what_is_empty_is_left_out() -> None:
    tokens = manager()
    claims = tokens.verify(tokens.issue_access("account", scopes=[]))
    assert claims.keys() == {"iss", "aud", "sub", "iat", "exp", "jti", "type", "scope"}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_other_libraries_read_our_tokens(algorithm: str) -> None:
    tokens = TokenManager(keyring=KeyRing([generate_key(algorithm)]))
    (published,) = tokens.keyring.to_jwks()["keys"]
    key = import_key(published)  # type: ignore[arg-type]
    read = jwt.decode(tokens.issue_access("account"), key, algorithms=[algorithm])
    assert read.claims["sub"] == "account"


def test_a_token_ends_exactly_when_it_says() -> None:
    time = Time(1000.0)
    tokens = manager(time)
    token = tokens.issue_access("account", lifetime=1.0)
    time.now = 1000.9
    tokens.verify(token)
    time.now = 1001.0
    with pytest.raises(TokenError) as caught:
        tokens.verify(token)
    assert caught.value.reason == "expired:exp"


def test_tokens_of_others_are_refused() -> None:
    ours = manager()
    for other in (
        TokenManager(OTHER_SECRET, clock=Time()),
        manager(settings=TokenSettings(issuer="them")),
        manager(settings=TokenSettings(audience="them")),
        manager(settings=TokenSettings(algorithm="EdDSA")),
    ):
        with pytest.raises(TokenError):
            ours.verify(other.issue_access("account"))


def test_kinds_of_tokens_are_not_exchanged() -> None:
    tokens = manager()
    access, refresh = tokens.issue_access("account"), tokens.issue("refresh", {"sub": "account"})
    assert tokens.verify(refresh, expected_type="refresh")["exp"] == 1_800_604_801
    for token, expected in ((access, "refresh"), (refresh, "access")):
        with pytest.raises(TokenError) as caught:
            tokens.verify(token, expected_type=expected)  # type: ignore[arg-type]
        assert caught.value.fault == "wrong_type"


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({}, "missing_claim:sub"),
        ({"sub": ""}, "bad_claim:sub"),
        ({"sub": 7}, "bad_claim:sub"),
        ({"sub": "a", "roles": "admin"}, "bad_claim:roles"),
        ({"sub": "a", "exp": 9e9, "iss": "me"}, "written by the manager: exp, iss"),
        ({"sub": "a", "type": "refresh"}, "written by the manager: type"),
    ],
)
def test_tokens_that_would_not_verify_are_not_issued(claims: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        manager().issue("access", claims)


@pytest.mark.parametrize("lifetime", [0.0, -1.0, 8 * 86_400.0, float("nan")])
def test_lifetimes_are_bounded(lifetime: float) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        manager().issue_access("account", lifetime=lifetime)


def test_construction_is_unambiguous_and_strong() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        TokenManager()
    with pytest.raises(ConfigurationError, match="not both"):
        TokenManager(SECRET, keyring=KeyRing.from_secret(SECRET))
    with pytest.raises(ConfigurationError, match="secret_key"):
        TokenManager("your-secret-key")
    with pytest.raises(ConfigurationError, match="secret_key"):
        TokenManager(Secret(""))
    assert SECRET.reveal() not in repr(TokenManager(SECRET.reveal()))


async def test_the_short_call_of_the_guide() -> None:
    tokens = TokenManager(SECRET.reveal())
    token = tokens.create_token("account", ["users:read"])
    assert (await tokens.verify_token(token))["permissions"] == ["users:read"]
    assert "permissions" not in await tokens.verify_token(tokens.create_token("account"))


@pytest.mark.parametrize("kind", ["token", "session", "subject"])
async def test_revoked_tokens_are_refused(kind: Any) -> None:
    time = Time()
    revocations = revocation_list(time)
    tokens = manager(time, revocations=revocations)
    token = tokens.issue_access("account", session_id="session")
    claims = await tokens.verify_token(token)
    key = {"token": claims["jti"], "session": "session", "subject": "account"}[kind]
    time.now += 1
    await revocations.revoke(Revocation(kind=kind, key=key, at=time.now, until=time.now + 900))
    with pytest.raises(TokenError) as caught:
        await tokens.verify_token(token)
    assert caught.value.fault == "revoked"
    if kind == "subject":
        await tokens.verify_token(tokens.issue_access("account", session_id="other"))


async def test_one_token_is_revoked_by_its_id() -> None:
    time = Time()
    tokens = manager(time, revocations=revocation_list(time))
    token = tokens.issue_access("account")
    jti = tokens.verify(token)["jti"]
    assert not await tokens.is_token_revoked(jti)
    await tokens.revoke_token(jti)
    assert await tokens.is_token_revoked(jti)
    with pytest.raises(TokenError):
        await tokens.verify_token(token)


async def test_without_a_list_nothing_can_be_revoked() -> None:
    tokens = manager()
    with pytest.raises(ConfigurationError, match="cannot revoke"):
        await tokens.revoke_token("id")
    with pytest.raises(ConfigurationError, match="cannot revoke"):
        await tokens.is_token_revoked("id")


def test_the_answer_holds_no_longer_than_the_key() -> None:
    time = Time(1000.0)
    tokens = manager(time)
    token = tokens.issue_access("account")
    assert tokens.verify_until(token)[1] == 1900
    tokens.keyring.retire(tokens.keyring.keys[0].kid, at=1100.0)
    assert tokens.verify_until(token)[1] == 1100


def test_what_is_signed_and_no_object_is_no_token() -> None:
    tokens = manager(Time(1000.0))
    token = sign_compact(b"[]", tokens.keyring.signing_key(1000.0), typ="at+jwt")
    with pytest.raises(TokenError) as caught:
        tokens.verify(token)
    assert caught.value.fault == "not_claims"


def test_not_every_key_can_be_derived() -> None:
    with pytest.raises(ConfigurationError, match="cannot be derived"):
        TokenManager(SECRET, settings=TokenSettings(algorithm="ES256"))
