"""There and back: what is sent, what is believed, what is kept."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.oauth.fake import CLIENT, ISSUER, SECRET
from tests.oauth.flow import BACK, OIDC, Journey
from zenith.kernel.keys import Secret, digest
from zenith.oauth import (
    AuthorizationDeniedError,
    Discord,
    GitHub,
    Microsoft,
    NotAskedError,
    OpenIDConnect,
    ProviderError,
)
from zenith.oauth.authorization import challenge_of

TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def journey():
    return Journey()


async def test_the_provider_is_asked_for_a_code_with_pkce_state_and_nonce(journey):
    url = await journey.leave(wanted="/next")
    assert url.startswith(f"{ISSUER}/authorize?")
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    fixed = {name: query.pop(name) for name in ("state", "nonce", "code_challenge")}
    assert len({value for (value,) in fixed.values()}) == 3
    assert all(len(value) == 43 for (value,) in fixed.values())
    assert query == {
        "response_type": ["code"],
        "client_id": [CLIENT],
        "redirect_uri": [BACK],
        "scope": ["openid email profile"],
        "code_challenge_method": ["S256"],
    }


async def test_nothing_secret_is_stored(journey):
    url = await journey.leave()
    query = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    (stored,) = journey.pending._pending.values()
    assert stored.digest == digest(query["state"])
    assert stored.browser == digest(journey.browser)
    for secret in (query["state"], query["nonce"], journey.browser):
        assert secret not in repr(stored)


async def test_who_comes_back_is_known(journey):
    returned = await journey.travel(visit={"name": "Ada\n Lovelace", "email": "Ada@Example.org"})
    identity = returned.identity
    assert (identity.issuer, identity.subject) == (ISSUER, "s1")
    assert (identity.email, identity.email_verified) == ("Ada@Example.org", True)
    assert identity.name == "Ada Lovelace"
    assert identity.label == "Ada@Example.org"
    assert identity.authenticated_at == journey.time.now


async def test_the_time_of_the_proof_is_the_providers(journey):
    then = journey.time.now - 3600
    assert (await journey.travel(visit={"auth_time": then})).identity.authenticated_at == then
    later = journey.time.now + 3600
    journey.provider.claims = {"auth_time": later}
    assert (await journey.travel()).identity.authenticated_at == journey.time.now


async def test_a_proof_without_a_time_is_of_long_ago_and_of_no_other(journey):
    times = set()
    for _ in range(3):
        journey.world.pass_time(0.001)
        found = (await journey.travel(visit={"auth_time": None})).identity
        times.add(found.authenticated_at)
        assert 0 < found.authenticated_at < 1
    assert len(times) == 3


async def test_where_it_is_so_set_a_sign_in_without_a_time_is_of_now(journey):
    journey.flow._believe_undated = True
    found = await journey.travel(visit={"auth_time": None})
    assert found.identity.authenticated_at == journey.time.now
    then = journey.time.now - 3600
    assert (await journey.travel(visit={"auth_time": then})).identity.authenticated_at == then
    url = await journey.leave(purpose="confirm")
    with pytest.raises(NotAskedError):
        await journey.come_back(journey.provider.visit(url, auth_time=None))


async def test_userinfo_adds_to_the_identity_and_takes_nothing_away(journey):
    """The provider's own name for the session is what it later ends it by."""
    journey.provider.userinfo = {"sub": "s1", "email": "ada@example.org", "email_verified": True}
    visit = {"email": None, "email_verified": None, "sid": "sid-1", "auth_time": 7}
    found = (await journey.travel(visit=visit)).identity
    assert (found.email, found.email_verified) == ("ada@example.org", True)
    assert (found.provider_session, found.authenticated_at) == ("sid-1", 7.0)


async def test_the_client_proves_itself_in_the_header(journey):
    await journey.travel()
    (sent,) = [each for each in journey.provider.requests if each.url.path == "/token"]
    assert sent.headers["authorization"].startswith("Basic ")
    assert SECRET not in sent.content.decode()


async def test_or_in_the_form_or_not_at_all():
    for method, secret in (("post", Secret(SECRET)), ("none", None)):
        journey = Journey()
        provider = OpenIDConnect(
            issuer=ISSUER, client_id=CLIENT, client_secret=secret, client_authentication=method
        ).provider()
        fields = journey.provider.visit(await journey.leave(provider))
        await journey.come_back(fields, provider)
        (sent,) = [each for each in journey.provider.requests if each.url.path == "/token"]
        assert "authorization" not in sent.headers
        assert f"client_id={CLIENT}" in sent.content.decode()
        assert (SECRET in sent.content.decode()) is (secret is not None)


async def test_who_declines_is_told_so(journey):
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(AuthorizationDeniedError):
        await journey.come_back({"state": fields["state"], "iss": ISSUER, "error": "access_denied"})


async def test_other_errors_are_the_providers(journey):
    for answer in ({"error": "server_error"}, {}):
        state = journey.provider.visit(await journey.leave())["state"]
        with pytest.raises(ProviderError):
            await journey.come_back({"state": state, "iss": ISSUER, **answer})


async def test_metadata_and_keys_are_asked_for_once_an_hour(journey):
    for _ in range(3):
        await journey.travel()
    paths = [each.url.path for each in journey.provider.requests]
    assert paths.count("/jwks") == paths.count("/.well-known/openid-configuration") == 1
    journey.world.pass_time(3601)
    await journey.travel()
    paths = [each.url.path for each in journey.provider.requests]
    assert paths.count("/jwks") == paths.count("/.well-known/openid-configuration") == 2


async def test_new_keys_are_found(journey):
    from zenith.tokens import generate_key

    await journey.travel()
    journey.world.pass_time(31)
    journey.provider.key = generate_key("EdDSA", kid="k2")
    journey.provider.published = [journey.provider.key]
    assert (await journey.travel()).identity.subject == "s1"


async def test_an_email_that_only_userinfo_tells_is_found(journey):
    journey.provider.userinfo = {"sub": "s1", "email": "ada@example.org", "email_verified": "true"}
    returned = await journey.travel(visit={"email": None, "email_verified": None})
    assert (returned.identity.email, returned.identity.email_verified) == ("ada@example.org", True)


async def test_the_subject_of_userinfo_must_be_the_same(journey):
    journey.provider.userinfo = {"sub": "s2", "email": "eve@example.org", "email_verified": True}
    with pytest.raises(ProviderError):
        await journey.travel(visit={"email": None})


async def test_a_provider_without_userinfo_tells_no_email(journey):
    journey.provider.metadata = {"userinfo_endpoint": None}
    assert (await journey.travel(visit={"email": None})).identity.email == ""


async def test_github_is_asked_who_it_is(journey):
    github = GitHub(client_id=CLIENT, client_secret=Secret(SECRET)).provider()
    journey.provider.tokens = {"id_token": None, "token_type": "bearer"}
    user = {"id": 7, "login": "ada", "name": None, "email": "public@example.org"}
    emails = [
        "noise",
        {"email": "old@example.org", "primary": False, "verified": True},
        {"email": "ada@example.org", "primary": True, "verified": True},
    ]
    journey.provider.answers = {
        "/login/oauth/access_token": lambda request: journey.provider.exchange(
            dict(httpx.QueryParams(request.content.decode()))
        ),
        "/user": httpx.Response(200, json=user),
        "/user/emails": httpx.Response(200, json=emails),
    }
    url = await journey.leave(github)
    assert "nonce" not in url
    fields = journey.provider.visit(url)
    del fields["iss"]
    identity = (await journey.come_back(fields, github)).identity
    assert (identity.issuer, identity.subject) == ("https://github.com", "7")
    assert (identity.email, identity.email_verified) == ("ada@example.org", True)
    assert identity.name == "ada"


@pytest.mark.parametrize(
    ("user", "emails"), [({"id": "7"}, []), ({"id": True}, []), ({}, []), ({"id": None}, [])]
)
async def test_github_without_a_number_is_nobody(journey, user, emails):
    github = GitHub(client_id=CLIENT, client_secret=Secret(SECRET)).provider()
    journey.provider.answers = {
        "/login/oauth/access_token": lambda request: journey.provider.exchange(
            dict(httpx.QueryParams(request.content.decode()))
        ),
        "/user": httpx.Response(200, json=user),
        "/user/emails": httpx.Response(200, json=emails),
    }
    fields = journey.provider.visit(await journey.leave(github))
    del fields["iss"]
    with pytest.raises(ProviderError):
        await journey.come_back(fields, github)


@pytest.mark.parametrize(
    ("user", "verified"),
    [
        ({"id": "8", "username": "ada", "email": "ada@example.org", "verified": True}, True),
        ({"id": "8", "global_name": "Ada", "email": "ada@example.org", "verified": "true"}, False),
        ({"id": "8", "username": "ada"}, False),
    ],
)
async def test_discord_is_asked_who_it_is(journey, user, verified):
    discord = Discord(client_id=CLIENT, client_secret=Secret(SECRET)).provider()
    journey.provider.answers = {
        "/api/oauth2/token": lambda request: journey.provider.exchange(
            dict(httpx.QueryParams(request.content.decode()))
        ),
        "/api/users/@me": httpx.Response(200, json=user),
    }
    fields = journey.provider.visit(await journey.leave(discord))
    del fields["iss"]
    identity = (await journey.come_back(fields, discord)).identity
    assert (identity.issuer, identity.subject) == ("https://discord.com", "8")
    assert identity.email_verified is verified


async def test_discord_without_an_id_is_nobody(journey):
    discord = Discord(client_id=CLIENT, client_secret=Secret(SECRET)).provider()
    journey.provider.answers = {
        "/api/oauth2/token": lambda request: journey.provider.exchange(
            dict(httpx.QueryParams(request.content.decode()))
        ),
        "/api/users/@me": httpx.Response(200, json={"id": 8}),
    }
    fields = journey.provider.visit(await journey.leave(discord))
    del fields["iss"]
    with pytest.raises(ProviderError):
        await journey.come_back(fields, discord)


def microsoft(journey, tenant="common", *, trust=False):
    provider = Microsoft(
        client_id=CLIENT,
        client_secret=Secret(SECRET),
        tenant=tenant,
        trust_email_of_tenant=trust,
    ).provider()
    base = "https://login.microsoftonline.com"
    name = "{tenantid}" if tenant == "common" else tenant
    journey.provider.key = journey.provider.rsa
    journey.provider.published = [journey.provider.rsa]
    document = {**journey.provider.discovery(), "issuer": f"{base}/{name}/v2.0"}
    del document["authorization_response_iss_parameter_supported"]
    path = f"/{tenant}/v2.0/.well-known/openid-configuration"
    journey.provider.answers = {path: httpx.Response(200, json=document)}
    return provider


@pytest.fixture(scope="module")
def rsa_key():
    from zenith.tokens import generate_key

    return generate_key("RS256", kid="rsa")


@pytest.fixture
def at_microsoft(journey, rsa_key):
    journey.provider.rsa = rsa_key
    return journey


async def test_of_many_tenants_the_token_tells_which(at_microsoft):
    provider = microsoft(at_microsoft)
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    at_microsoft.provider.claims = {"iss": issuer, "tid": TENANT}
    fields = at_microsoft.provider.visit(await at_microsoft.leave(provider))
    identity = (await at_microsoft.come_back(fields, provider)).identity
    assert identity.issuer == issuer
    assert not identity.email_verified


@pytest.mark.parametrize(
    "claims",
    [
        {"tid": TENANT, "iss": "https://login.microsoftonline.com/other/v2.0"},
        {"tid": "../evil", "iss": "https://login.microsoftonline.com/../evil/v2.0"},
        {"tid": None, "iss": "https://login.microsoftonline.com/{tenantid}/v2.0"},
    ],
)
async def test_a_token_of_another_tenant_is_refused(at_microsoft, claims):
    provider = microsoft(at_microsoft)
    at_microsoft.provider.claims = claims
    fields = at_microsoft.provider.visit(await at_microsoft.leave(provider))
    with pytest.raises(ProviderError):
        await at_microsoft.come_back(fields, provider)


async def test_one_tenant_is_taken_at_its_word_only_if_so_set(at_microsoft):
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    for trust in (False, True):
        provider = microsoft(at_microsoft, TENANT, trust=trust)
        at_microsoft.provider.claims = {"iss": issuer, "email_verified": None}
        fields = at_microsoft.provider.visit(await at_microsoft.leave(provider))
        fields["iss"] = issuer
        identity = (await at_microsoft.come_back(fields, provider)).identity
        assert identity.email_verified is trust


async def test_microsoft_may_vouch_for_the_owner_of_the_domain(at_microsoft):
    provider = microsoft(at_microsoft)
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    at_microsoft.provider.claims = {"iss": issuer, "tid": TENANT, "xms_edov": True}
    fields = at_microsoft.provider.visit(await at_microsoft.leave(provider))
    assert (await at_microsoft.come_back(fields, provider)).identity.email_verified


async def test_the_default_provider_is_by_discovery():
    assert OIDC.discovery_url == f"{ISSUER}/.well-known/openid-configuration"
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
