from __future__ import annotations

import pytest
from fastapi import FastAPI

from tests.pipeline.asgi import (
    ask,
    client,
    connect,
    hello,
    make_exchange,
    make_scope,
    receiver,
    websocket_scope,
)
from zenith.authorization import AuthorizationGuard, list_routes
from zenith.headers import HeadersGuard
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange, RouteTable, SecurityMiddleware
from zenith.transport import CorsGuard, CorsSettings, TransportGuard, cors

OURS = "https://app.example.com"
PREFLIGHT = {"access-control-request-method": "POST"}
NAMED = CorsSettings(origins=(OURS, "https://*.example.org:8443", "http://localhost:3000"))


def secured(app=hello, settings=NAMED, *more):
    return SecurityMiddleware(app, guards=[TransportGuard(), CorsGuard(settings), *more])


def application():
    app = FastAPI()

    @app.get("/")
    async def read():
        return {}

    @app.post("/")
    async def write():
        return {}

    @app.get("/open")
    @cors("*")
    async def opened():
        return {}

    @app.post("/open")
    @cors("https://partner.example", credentials=True, methods=["POST", "DELETE"])
    async def opened_for_one():
        return {}

    @app.get("/shut")
    @cors()
    async def shut():
        return {}

    @app.get("/all")
    @cors(settings=CorsSettings(origins=("*",), exposed_headers=(), max_age=0))
    async def said_in_full():
        return {}

    @app.get("/broken")
    async def broken():
        raise RuntimeError

    return app


async def test_an_origin_of_ours_reads():
    async with client(secured()) as http:
        answer = await http.get("/", headers={"origin": OURS})
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["vary"] == "Origin"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}])
async def test_others_get_nothing_but_the_hint_to_caches(headers):
    async with client(secured()) as http:
        answer = await http.get("/", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["vary"] == "Origin"
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_answer_to_a_preflight():
    async with client(secured(hello, CorsSettings(origins=(OURS,), credentials=True))) as http:
        answer = await http.options("/any/path", headers={"origin": OURS, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert dict(answer.headers) == {
        "access-control-allow-origin": OURS,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-headers": ", ".join(CorsSettings().request_headers),
        "access-control-max-age": "600",
        "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


async def test_a_preflight_of_strangers_is_refused_and_carries_the_security_headers():
    async with client(secured(hello, NAMED, HeadersGuard())) as http:
        answer = await http.options("/", headers={"origin": "https://evil.example", **PREFLIGHT})
        granted = await http.options("/", headers={"origin": OURS, **PREFLIGHT})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert "access-control-allow-origin" not in answer.headers
    assert granted.headers["x-content-type-options"] == "nosniff"


async def test_options_that_are_no_preflight_reach_the_application():
    async with client(secured()) as http:
        assert (await http.options("/", headers=PREFLIGHT)).content == b"hello"
        assert (await http.options("/", headers={"origin": OURS})).content == b"hello"
        assert (await http.get("/", headers={"origin": OURS, **PREFLIGHT})).content == b"hello"


async def test_refusals_and_errors_can_be_read_too():
    headers = {"origin": OURS}
    async with client(secured(application())) as http:
        for path, status in (("/%00", 400), ("/missing", 404), ("/broken", 500)):
            answer = await http.get(path, headers=headers)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (
                status,
                OURS,
            )


async def test_routes_have_policies_of_their_own():
    async with client(secured(application())) as http:
        for path, origin, allowed in (
            ("/", OURS, OURS),
            ("/open", "https://evil.example", "*"),
            ("/open", None, "*"),
            ("/all", OURS, "*"),
            ("/shut", OURS, None),
        ):
            answer = await http.get(path, headers={"origin": origin} if origin else {})
            assert answer.headers.get("access-control-allow-origin") == allowed, (path, origin)


async def test_a_preflight_asks_the_route_of_the_method_that_is_meant():
    headers = {"origin": "https://partner.example", "access-control-request-method": "POST"}
    async with client(secured(application())) as http:
        answer = await http.options("/open", headers=headers)
        assert answer.headers["access-control-allow-methods"] == "POST, DELETE"
        assert (await http.options("/", headers=headers)).status_code == 403
        headers["access-control-request-method"] = "GET"
        answer = await http.options("/open", headers=headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        headers["access-control-request-method"] = "PUT"
        assert (await http.options("/open", headers=headers)).status_code == 403


async def test_what_a_handler_says_of_it_is_replaced_and_other_words_stay():
    async def loose(scope, receive, send):
        names = {
            "Access-Control-Allow-Origin": "*",
            "access-control-allow-private-network": "true",
            "vary": "Accept-Encoding",
            "x-own": "1",
        }
        headers = [(name.encode(), value.encode()) for name, value in names.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    answer = await ask(secured(loose), make_scope(headers=[("origin", "https://evil.example")]))
    assert answer.messages[0]["headers"] == [
        (b"x-own", b"1"),
        (b"vary", b"Accept-Encoding, Origin"),
    ]


async def test_sockets_know_no_cross_origin_access():
    answer = await connect(secured(), websocket_scope(headers=[("origin", OURS)]))
    assert answer.messages[0] == {"type": "websocket.accept"}


def test_the_list_of_routes_names_origins():
    table = RouteTable(application())
    notes = [note for each in list_routes(table, declared={}, callers={}) for note in each.notes]
    assert notes == [
        "readable by pages of *",
        "readable by pages of https://partner.example with cookies",
        "readable by pages of no other origin",
        "readable by pages of *",
    ]


def test_the_start_is_refused_where_nobody_honours_the_mark():
    app = SecurityMiddleware(application(), guards=[AuthorizationGuard()])
    with pytest.raises(ConfigurationError, match="CorsMark has no guard"):
        app.prepare()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"origins": ("*",), "credentials": True}, "every site on the web"),
        ({"origins": ("*", OURS)}, "and others"),
        ({"origins": ("null",)}, "is no origin"),
        ({"origins": ("https://App.example.com",)}, "is no origin"),
        ({"origins": ("https://app.example.com/",)}, "is no origin"),
        ({"origins": ("https://*",)}, "is no origin"),
        ({"origins": ("https://app*.example.com",)}, "is no origin"),
        ({"origins": ("https://app.example.com:443",)}, "no browser writes"),
        ({"origins": ("https://app.example.com:70000",)}, "no browser writes"),
        ({"origins": ("https://*.com",)}, "open to everybody"),
        ({"origins": ("https://*.10.0.0.1",)}, "open to everybody"),
        ({"origins": ("http://app.example.com",)}, "on the way"),
        ({"origins": ("http://evillocalhost",)}, "on the way"),
        ({"methods": ("TRACE",)}, "is not allowed"),
        ({"methods": ("*",)}, "is not allowed"),
        ({"request_headers": ("X:Y",)}, "no name of a header"),
        ({"exposed_headers": ("",)}, "no name of a header"),
        ({"max_age": -1}, "max_age"),
        ({"max_age": 86_401}, "max_age"),
    ],
)
def test_what_would_be_unsafe_is_no_setting(settings, problem):
    with pytest.raises(ConfigurationError, match=problem):
        CorsSettings(**settings)


COOKIES = CorsSettings(origins=("https://*.example.org",), credentials=True)
NO_COOKIES = CorsSettings(origins=("https://*.example.org",))
BY_SCRIPT = {"sec-fetch-mode": "cors"}


@pytest.mark.parametrize(
    ("settings", "method", "headers", "believed"),
    [
        (COOKIES, "POST", {"cookie": "a=b"}, True),
        (COOKIES, "POST", {"origin": "https://example.org"}, False),
        (COOKIES, "POST", {"origin": "https://" + "a" * 300 + ".example.org"}, False),
        (COOKIES, "PUT", {}, False),
        (COOKIES, "GET", {}, False),
        (NO_COOKIES, "POST", BY_SCRIPT, True),
        (NO_COOKIES, "POST", {**BY_SCRIPT, "cookie": "a=b"}, False),
        (NO_COOKIES, "POST", {"sec-fetch-mode": "navigate"}, False),
        (NO_COOKIES, "POST", {}, False),
        (CorsSettings(), "POST", BY_SCRIPT, False),
    ],
)
def test_whose_changes_are_believed(settings, method, headers, believed):
    sent = {"origin": "https://a.example.org", **headers}
    exchange = make_exchange(method, headers=list(sent.items()))
    CorsGuard(settings).on_request(exchange)
    assert exchange.is_origin_admitted is believed


def test_loopback_with_cookies_is_told_of():
    assert CorsSettings(origins=("http://localhost:1",), credentials=True).trusts_loopback
    assert not CorsSettings(origins=("http://localhost:1",)).trusts_loopback
    assert not COOKIES.trusts_loopback


def test_what_is_no_cross_origin_access_is_left_alone():
    exchange = Exchange(websocket_scope(headers=[("origin", OURS)]), receiver())
    guard = CorsGuard(NAMED)
    guard.on_request(exchange)
    guard.on_response(exchange)
    assert exchange.response_headers == []
