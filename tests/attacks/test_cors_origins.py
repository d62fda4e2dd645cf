"""The attack: a page whose origin only looks like one that may read, or that says it is nobody, and
so reads with the user's cookies what only the user may see, or changes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.csrf.keys import NEW, SESSION
from tests.pipeline.asgi import SignedInAs, client
from zenith.csrf import CsrfGuard, CsrfSettings
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware
from zenith.rate_limits import RateLimiter, RateLimitGuard, RateLimitSettings
from zenith.stores.memory import MemoryRateLimitStore
from zenith.transport import CorsGuard, CorsPolicy, CorsSettings, TransportGuard, cors

POLICY = CorsPolicy(
    CorsSettings(
        origins=("https://app.example.com", "https://*.example.org", "https://*.example.net:8443"),
        credentials=True,
    )
)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://a.example.org",
        "https://a-1.b_2.example.org",
        "https://a.example.net:8443",
    ],
)
def test_ours(origin):
    assert POLICY.admits(origin.encode())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "https://app.example.com.evil.example",
        "https://evil.example/app.example.com",
        "https://app.example.com@evil.example",
        "https://app.example.com:443",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://App.example.com",
        "https://app.example.com ",
        "https://app.example.com\n",
        "https://app.example.com, https://evil.example",
        "https://app.example.com https://evil.example",
        "https://appXexample.com",
        "https://example.org",
        "https://.example.org",
        "https://a..example.org",
        "https://evilexample.org",
        "https://evil.example#.example.org",
        "https://evil.example/.example.org",
        "https://evil.example?.example.org",
        "https://evil.example\\.example.org",
        "https://evil.example%2f.example.org",
        "https://evil.example:1.example.org",
        "https://user@a.example.org",
        "https://a.example.org\n",
        "https://a.example.org:443",
        "https://a.example.org.",
        "http://a.example.org",
        "https://a.example.net",
        "https://a.example.net:84430",
        "https://" + "a" * 400 + ".example.org",
        "chrome-extension://a.example.org",
        "HTTPS://a.example.org",
    ],
)
def test_what_only_looks_like_it(origin):
    assert not POLICY.admits(origin.encode())


@given(
    st.text("abc.:/@#?%\\-_ \n*", max_size=12).flatmap(
        lambda text: st.sampled_from(
            [f"https://{text}.example.org", f"https://{text}example.org", text + "null"]
        )
    )
)
def test_a_pattern_admits_hosts_below_the_domain_and_nothing_else(origin):
    labels = origin.removeprefix("https://").removesuffix(".example.org").split(".")
    honest = origin.endswith(".example.org") and all(
        label and set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for label in labels
    )
    assert POLICY.admits(origin.encode()) == honest


async def change(request):
    return PlainTextResponse("changed")


@cors("https://reader.example", credentials=True, methods=["GET"])
async def read_only(request):
    return PlainTextResponse("changed")


def signed_in(settings):
    """A user's browser: whoever writes the page that sends."""
    routes = [Route("/", change, methods=["POST"]), Route("/own", read_only, methods=["POST"])]
    app = Starlette(routes=routes)
    guard = CsrfGuard([NEW], CsrfSettings(origins=("https://own.example",)))

    async def token(request):
        return PlainTextResponse(guard.issue(request.scope["zenith.exchange"]))

    app.router.routes.append(Route("/token", token))
    guards = [TransportGuard(), CorsGuard(settings), SignedInAs(SESSION), guard]
    return client(SecurityMiddleware(app, guards=guards))


def page_at(origin, token=None):
    headers = {"origin": origin, "sec-fetch-site": "same-site", "cookie": "session=1"}
    return headers if token is None else {**headers, "x-csrf-token": token}


TRUSTED = CorsSettings(origins=("https://*.example.org",), credentials=True)


async def test_a_page_that_may_change_still_needs_a_token():
    async with signed_in(TRUSTED) as http:
        token = (await http.get("/token", headers=page_at("https://a.example.org"))).text
        assert (await http.post("/", headers=page_at("https://a.example.org"))).status_code == 403
        allowed = await http.post("/", headers=page_at("https://a.example.org", token))
        assert allowed.text == "changed"
        for origin in ("https://evil.example", "null", "https://evilexample.org"):
            answer = await http.post("/", headers=page_at(origin, token))
            assert answer.json()["code"] == "csrf_failed", origin
        # A route that names one reader believes no other page, and that one only reads.
        for origin in ("https://a.example.org", "https://reader.example"):
            answer = await http.post("/own", headers=page_at(origin, token))
            assert answer.json()["code"] == "csrf_failed", origin


@pytest.mark.parametrize(
    "settings",
    [
        CorsSettings(origins=("*",)),
        CorsSettings(origins=("https://*.example.org",)),
        CorsSettings(origins=("https://*.example.org",), credentials=True, methods=("GET",)),
    ],
)
async def test_pages_without_credentials_or_the_method_are_not_believed(settings):
    async with signed_in(settings) as http:
        token = (await http.get("/token", headers=page_at("https://a.example.org"))).text
        answer = await http.post("/", headers=page_at("https://a.example.org", token))
    assert answer.json()["code"] == "csrf_failed"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"cookie": "session=1"}, 403),
        ({"sec-fetch-mode": "navigate"}, 403),
        ({"sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-mode": ""}, 403),
        ({"content-type": "text/plain"}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_without_credentials_a_script_may_send_what_nothing_speaks_for(headers, status):
    sent = {
        "origin": "https://a.example.org",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "cors",
        "content-type": "application/json",
    }
    guards = [
        TransportGuard(),
        CorsGuard(CorsSettings(origins=("https://*.example.org",))),
        CsrfGuard([NEW], CsrfSettings(origins=("https://own.example",))),
    ]
    app = Starlette(routes=[Route("/", change, methods=["POST"])])
    async with client(SecurityMiddleware(app, guards=guards)) as http:
        answer = await http.post("/", content=b"{}", headers={**sent, **headers})
    assert answer.status_code == status


async def test_the_problem_of_a_refused_change_is_for_the_pages_that_may_read():
    async with signed_in(TRUSTED) as http:
        answer = await http.post("/", headers=page_at("https://a.example.org"))
        assert answer.headers["access-control-allow-origin"] == "https://a.example.org"
        answer = await http.post("/", headers=page_at("https://evil.example"))
        assert "access-control-allow-origin" not in answer.headers


async def test_preflights_spend_the_limit_like_anything_else():
    limits = RateLimitSettings(per_address="2/minute")
    guards = [
        TransportGuard(),
        CorsGuard(TRUSTED),
        RateLimitGuard(RateLimiter(MemoryRateLimitStore()), limits),
    ]
    asked = {"origin": "https://a.example.org", "access-control-request-method": "POST"}
    async with client(SecurityMiddleware(Starlette(), guards=guards)) as http:
        statuses = [(await http.options("/", headers=asked)).status_code for _ in range(3)]
    assert statuses == [204, 204, 429]


async def test_a_private_network_is_not_opened():
    asked = {
        "origin": "https://a.example.org",
        "access-control-request-method": "POST",
        "access-control-request-private-network": "true",
    }
    async with client(SecurityMiddleware(Starlette(), guards=[CorsGuard(TRUSTED)])) as http:
        answer = await http.options("/", headers=asked)
    assert answer.status_code == 204
    assert not [name for name in answer.headers if "network" in name]


@pytest.mark.parametrize(
    "domain",
    [
        "co.uk",
        "com.au",
        "gov.br",
        "github.io",
        "herokuapp.com",
        "vercel.app",
        "amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "kawasaki.jp",
        "anything.kawasaki.jp",
        "anything.ck",
        "xn--55qx5d.cn",
    ],
)
@pytest.mark.parametrize("port", ["", ":8443"])
def test_a_pattern_in_which_the_attacker_can_have_a_name_refuses_the_start(domain, port):
    with pytest.raises(ConfigurationError, match="open to everybody who can have a domain"):
        CorsSettings(origins=(f"https://*.{domain}{port}",))
    with pytest.raises(ConfigurationError, match="open to everybody who can have a domain"):
        cors(f"https://*.{domain}{port}")


@pytest.mark.parametrize(
    "origin",
    [
        "https://*.example.co.uk",
        "https://*.me.github.io",
        "https://*.city.kawasaki.jp",
        "https://*.www.ck",
        "https://shop.co.uk",
        "https://me.github.io",
    ],
)
def test_a_domain_of_ones_own_below_a_public_suffix_is_ones_own(origin):
    assert CorsSettings(origins=(origin,)).origins == (origin,)
