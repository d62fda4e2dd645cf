"""Providers, by a line each or by variables."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.oauth import (
    Apple,
    Discord,
    GitHub,
    GitLab,
    Google,
    Microsoft,
    OAuthSettings,
    OpenIDConnect,
    Provider,
)
from zenith.oauth.client_authentication import apple_key, authenticate_client
from zenith.settings import Settings
from zenith.tokens import EcKey, KeyRing, verify_claims

BOTH = {"client_id": "id", "client_secret": Secret("secret")}
TENANT = "11111111-2222-3333-4444-555555555555"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_variables_set_providers():
    settings = Settings.from_env(
        {
            "ZENITH_OAUTH__GOOGLE__CLIENT_ID": "id",
            "ZENITH_OAUTH__GOOGLE__CLIENT_SECRET": "very-private",
            "ZENITH_OAUTH__MICROSOFT__CLIENT_ID": "id",
            "ZENITH_OAUTH__MICROSOFT__CLIENT_SECRET": "secret",
            "ZENITH_OAUTH__MICROSOFT__TENANT": TENANT,
            "ZENITH_OAUTH__OIDC__ISSUER": "https://id.example.org",
            "ZENITH_OAUTH__OIDC__CLIENT_ID": "id",
            "ZENITH_OAUTH__OIDC__CLIENT_SECRET": "secret",
            "ZENITH_OAUTH__OIDC__LABEL": "Example",
            "ZENITH_OAUTH__OIDC__SCOPES": "openid,email",
        },
        dotenv=None,
    )
    providers = settings.oauth.providers()
    assert [each.name for each in providers] == ["google", "microsoft", "oidc"]
    assert providers[2].label == "Example"
    assert providers[2].scopes == ("openid", "email")
    assert "very-private" not in repr(settings)


def test_every_provider_is_a_line():
    settings = OAuthSettings(
        google=Google(**BOTH),
        github=GitHub(**BOTH),
        microsoft=Microsoft(**BOTH),
        apple=Apple(client_id="id", team_id="T", key_id="K", private_key=Secret("key")),
        gitlab=GitLab(**BOTH),
        discord=Discord(**BOTH),
        oidc=OpenIDConnect(issuer="https://a.example.org", **BOTH),
        more=(OpenIDConnect(issuer="https://b.example.org", name="b", **BOTH),),
    )
    providers = settings.providers()
    names = ["google", "apple", "microsoft", "github", "gitlab", "discord", "oidc", "b"]
    assert [each.name for each in providers] == names
    assert all(each.issuer.startswith("https://") for each in providers)
    settings.check_production()


def test_microsofts_metadata_is_the_tenants():
    shared = Microsoft(**BOTH).provider()
    assert shared.issuer_template == "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert "common/v2.0/.well-known" in shared.discovery_url
    single = Microsoft(tenant=TENANT, **BOTH).provider()
    assert (single.issuer_template, single.email_trust) == ("", "microsoft")


def test_apple_gets_an_assertion_in_place_of_a_secret():
    key = ec.generate_private_key(ec.SECP256R1())
    for text in (pem(key), pem(key).replace("\n", "\\n")):
        apple = Apple(client_id="id", team_id="TEAM", key_id="KEY", private_key=Secret(text))
        form, headers = authenticate_client(apple.provider(), {"code": "c"}, now=1000.5)
        assert headers == {}
        assert (form["code"], form["client_id"]) == ("c", "id")
        ring = KeyRing([EcKey(key.public_key(), kid="KEY")])
        header, claims = verify_claims(form["client_secret"], ring, algorithms=["ES256"])
        assert (header["alg"], header["kid"]) == ("ES256", "KEY")
        assert claims == {
            "iss": "TEAM",
            "sub": "id",
            "aud": "https://appleid.apple.com",
            "iat": 1000,
            "exp": 1300,
        }


@pytest.mark.parametrize(
    "text",
    [
        "no key",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_apples_key_is_checked_at_the_start(text):
    apple = Apple(client_id="id", team_id="T", key_id="K", private_key=Secret(text))
    with pytest.raises(ConfigurationError, match="private_key") as caught:
        apple_key(apple.provider())
    assert text[:20] not in str(caught.value)


def test_names_and_secrets_are_form_encoded_before_they_are_joined():
    import base64

    provider = OpenIDConnect(
        issuer="https://a.example.org", client_id="a:b c", client_secret=Secret("ä%:")
    ).provider()
    _, headers = authenticate_client(provider, {}, now=0)
    sent = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert sent == "a%3Ab+c:%C3%A4%25%3A"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Microsoft(tenant="example.org", **BOTH), "tenant"),
        (lambda: Microsoft(trust_email_of_tenant=True, **BOTH), "every directory"),
        (lambda: OpenIDConnect(issuer="https://a.org", scopes=("email",), **BOTH), "openid"),
        (lambda: OpenIDConnect(issuer="https://a.org", label="", **BOTH), "label"),
        (lambda: OpenIDConnect(issuer="https://a.org", label="x" * 41, **BOTH), "label"),
        (lambda: OpenIDConnect(issuer="http://a.org", **BOTH).provider(), "no https"),
        (lambda: OpenIDConnect(issuer="a.org", **BOTH).provider(), "no https"),
        (lambda: OpenIDConnect(issuer="https://a.org", client_id="").provider(), "client_id"),
        (lambda: OpenIDConnect(issuer="https://a.org", client_id="a").provider(), "not set"),
        (lambda: OpenIDConnect(issuer="https://a.org", name="Login", **BOTH).provider(), "name"),
        (lambda: OpenIDConnect(issuer="https://a.org", name="login", **BOTH).provider(), "name"),
        (lambda: OpenIDConnect(issuer="https://a.org", name="../x", **BOTH).provider(), "name"),
        (
            lambda: OpenIDConnect(issuer="https://a.org", algorithms=("HS256",), **BOTH).provider(),
            "HS256",
        ),
        (
            lambda: OpenIDConnect(issuer="https://a.org", algorithms=(), **BOTH).provider(),
            "no entry",
        ),
        (lambda: OAuthSettings(timeout=0), "timeout"),
        (lambda: OAuthSettings(timeout=31), "timeout"),
        (lambda: OAuthSettings(state_lifetime=1), "state_lifetime"),
        (lambda: OAuthSettings(start_limit="often"), "start_limit"),
        (
            lambda: OAuthSettings(
                oidc=OpenIDConnect(issuer="https://a.org", **BOTH),
                more=(OpenIDConnect(issuer="https://b.org", **BOTH),),
            ),
            "one name",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_production_reaches_providers_encrypted():
    local = OAuthSettings(oidc=OpenIDConnect(issuer="http://localhost:9400", **BOTH))
    with pytest.raises(ConfigurationError, match="not encrypted"):
        local.check_production()


def test_a_provider_says_what_it_is():
    provider = OpenIDConnect(issuer="https://a.org/", **BOTH).provider()
    assert isinstance(provider, Provider)
    assert provider.discovery_url == "https://a.org/.well-known/openid-configuration"
    assert provider.is_openid
    assert not GitHub(**BOTH).provider().is_openid
