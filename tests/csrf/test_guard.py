from __future__ import annotations

import asyncio

import pytest

from tests.csrf.keys import BEARER, NEW, OLD, SESSION, guard
from tests.pipeline.asgi import make_exchange, receiver, websocket_scope
from zenith.csrf import CsrfGuard, CsrfSettings, csrf_token
from zenith.csrf.tokens import CsrfTokens, new_pad
from zenith.kernel.errors import BadRequestError, CsrfError
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import Exchange

ORIGIN = ("origin", "http://localhost")
FORM = ("content-type", "application/x-www-form-urlencoded")
PARTS = ("content-type", "multipart/form-data; boundary=xyz")
COOKIE = "A" * 43
ANONYMOUS_COOKIE = ("cookie", f"__Host-zenith-csrf={COOKIE}")


def token(binding="session:session-of-alice", secret=NEW):
    return CsrfTokens([secret]).issue(binding, pad=new_pad())


def post(*headers, principal=SESSION, **more):
    more = {"host": "localhost"} | more
    return make_exchange("POST", headers=headers, principal=principal, **more)


async def refusal(exchange, **settings):
    with pytest.raises(CsrfError) as caught:
        await guard(**settings).on_request(exchange)
    assert "CSRF" in caught.value.detail
    assert caught.value.reason
    assert caught.value.reason not in caught.value.detail
    return caught.value.reason


async def body_of(exchange):
    body, more = b"", True
    while more:
        message = await exchange.receive()
        body += message["body"]
        more = message["more_body"]
    return body


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_pass(method):
    headers = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
    guard().on_request(make_exchange(method, headers=headers, principal=SESSION))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_a_change_on_a_session_needs_a_token(method):
    assert await refusal(make_exchange(method, headers=[ORIGIN], principal=SESSION)) == "no token"


async def test_the_token_in_the_header():
    await guard().on_request(post(ORIGIN, ("x-csrf-token", token())))


async def test_the_header_may_have_another_name():
    await guard(header_name="X-XSRF-Token").on_request(post(ORIGIN, ("x-xsrf-token", token())))


async def test_the_token_of_another_session_is_refused():
    assert "bound" in await refusal(post(ORIGIN, ("x-csrf-token", token("session:bobs"))))


async def test_a_token_from_before_sign_in_is_refused_on_a_session():
    exchange = post(ORIGIN, ANONYMOUS_COOKIE, ("x-csrf-token", token(f"anonymous:{COOKIE}")))
    assert "bound" in await refusal(exchange)


async def test_the_header_decides_alone_where_it_is_sent():
    body = b"csrf_token=" + token().encode()
    assert await refusal(post(ORIGIN, FORM, ("x-csrf-token", ""), body=[body]))
    assert await refusal(post(ORIGIN, FORM, ("x-csrf-token", "\xff"), body=[body]))


async def test_secrets_rotate():
    rotating = CsrfGuard([NEW, OLD])
    await rotating.on_request(post(ORIGIN, ("x-csrf-token", token(secret=OLD))))
    with pytest.raises(CsrfError):
        await CsrfGuard([NEW]).on_request(post(ORIGIN, ("x-csrf-token", token(secret=OLD))))


async def test_the_origin_is_asked_before_the_token():
    exchange = post(("origin", "https://evil.example"), ("x-csrf-token", token()))
    assert await refusal(exchange) == "foreign Origin"
    exchange = post(("sec-fetch-site", "same-site"), ("x-csrf-token", token()))
    assert await refusal(exchange) == "cross-site by Sec-Fetch-Site"


async def test_without_a_transport_guard_the_host_header_stands_in():
    await guard().on_request(post(ORIGIN, ("x-csrf-token", token()), host=""))


async def test_credentials_that_pages_must_add_need_no_token():
    await guard().on_request(post(("origin", "https://spa.example"), principal=BEARER))
    await guard(always=True).on_request(post(principal=BEARER))


async def test_which_schemes_a_browser_adds_is_a_setting():
    with pytest.raises(CsrfError):
        await guard(cookie_schemes=("session", "bearer")).on_request(post(principal=BEARER))


async def test_an_ambient_credential_needs_a_token_without_any_sign_of_a_browser():
    assert await refusal(post(principal=SESSION)) == "no token"


async def test_programs_without_cookies_need_no_token_unless_always():
    await guard().on_request(post(principal=ANONYMOUS))
    assert await refusal(post(principal=ANONYMOUS), always=True) == "no token"


@pytest.mark.parametrize(
    "header", [ORIGIN, ("sec-fetch-site", "same-origin"), ("cookie", "a=b"), ("referer", "x")]
)
async def test_any_sign_of_a_browser_asks_for_a_token(header):
    await refusal(post(header, principal=ANONYMOUS))


async def test_before_sign_in_the_token_is_bound_to_a_cookie():
    proof = ("x-csrf-token", token(f"anonymous:{COOKIE}"))
    await guard().on_request(post(ORIGIN, ANONYMOUS_COOKIE, proof, principal=ANONYMOUS))
    other = ("cookie", "__Host-zenith-csrf=" + "B" * 43)
    assert "bound" in await refusal(post(ORIGIN, other, proof, principal=ANONYMOUS))
    assert "no cookie" in await refusal(post(ORIGIN, proof, principal=ANONYMOUS))


@pytest.mark.parametrize("value", ["", "A" * 42, "A" * 44, "A" * 42 + "!", "A" * 42 + "é"])
async def test_a_cookie_that_is_not_ours_binds_nothing(value):
    proof = ("x-csrf-token", token(f"anonymous:{value}"))
    cookie = ("cookie", f"__Host-zenith-csrf={value}")
    assert "no cookie" in await refusal(post(ORIGIN, cookie, proof, principal=ANONYMOUS))


@pytest.mark.parametrize("chunks", [1, 3, 50])
async def test_the_token_in_a_form_and_the_form_for_the_handler(chunks):
    body = b"a=1&csrf_token=" + token().encode() + b"&b=2"
    size = -(-len(body) // chunks)
    exchange = post(ORIGIN, FORM, body=[body[i : i + size] for i in range(0, len(body), size)])
    await guard().on_request(exchange)
    assert await body_of(exchange) == body
    assert (await exchange.receive())["type"] == "http.disconnect"


async def test_a_form_without_its_token_is_refused():
    assert await refusal(post(ORIGIN, FORM, body=[b"a=1"])) == "no token"
    assert await refusal(post(ORIGIN, FORM, body=[b""])) == "no token"
    assert await refusal(post(ORIGIN, FORM, body=[])) == "no token"


async def test_a_form_field_may_have_another_name():
    body = b"_token=" + token().encode()
    await guard(field_name="_token").on_request(post(ORIGIN, FORM, body=[body]))


async def test_an_upload_is_read_no_further_than_its_token():
    head = (
        f'--xyz\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token()}\r\n--xyz\r\n'
    )
    files = [b"Content-Disposition: form-data; name=f; filename=f\r\n\r\n", b"x" * 100, b"y"]
    calls = 0
    source = receiver(head.encode(), *files, b"\r\n--xyz--\r\n")

    async def receive():
        nonlocal calls
        calls += 1
        return await source()

    exchange = post(ORIGIN, PARTS)
    exchange.receive = receive
    await guard().on_request(exchange)
    assert calls == 1
    assert await body_of(exchange) == b"".join([head.encode(), *files, b"\r\n--xyz--\r\n"])


async def test_a_token_behind_too_much_is_not_looked_for():
    file = "--xyz\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + "x" * 1000
    field = f"\r\n--xyz\r\nContent-Disposition: form-data; name=csrf_token\r\n\r\n{token()}"
    chunks = [file.encode(), field.encode(), b"\r\n--xyz--\r\n"]
    await guard(max_form_size=2000).on_request(post(ORIGIN, PARTS, body=chunks))
    assert await refusal(post(ORIGIN, PARTS, body=chunks), max_form_size=500) == "no token"


async def test_a_broken_form_is_a_bad_request():
    with pytest.raises(BadRequestError):
        await guard().on_request(post(ORIGIN, PARTS, body=[b"nonsense"]))


def handshake(*headers, principal=SESSION):
    exchange = Exchange(websocket_scope(headers=headers), receiver())
    exchange.principal, exchange.host = principal, "localhost"
    return exchange


async def test_handshakes_come_from_our_own_pages():
    await guard().on_request(handshake(ORIGIN))
    await guard(trusted_origins=("https://a.example",)).on_request(
        handshake(("origin", "https://a.example"), ("sec-fetch-site", "cross-site"))
    )


@pytest.mark.parametrize("principal", [SESSION, BEARER, ANONYMOUS])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:81"])
async def test_foreign_handshakes_are_refused_whatever_the_credential(origin, principal):
    assert await refusal(handshake(("origin", origin), principal=principal)) == "foreign Origin"


async def test_a_handshake_on_a_cookie_names_its_origin():
    assert "without Origin" in await refusal(handshake())
    await guard().on_request(handshake(principal=BEARER))
    await guard().on_request(handshake(principal=ANONYMOUS))


async def respond(exchange, protection, headers=()):
    exchange.response_headers = list(headers)
    protection.on_response(exchange)
    return exchange.response_headers


async def test_a_response_without_a_token_is_left_alone():
    exchange, protection = make_exchange(), guard()
    protection.on_request(exchange)
    headers = [(b"cache-control", b"max-age=60")]
    assert await respond(exchange, protection, headers) == headers


async def test_a_page_with_a_token_sets_one_cookie_and_stays_out_of_caches():
    exchange, protection = make_exchange(), guard()
    protection.on_request(exchange)
    first, second = csrf_token(exchange), csrf_token(exchange)
    assert first != second
    headers = await respond(exchange, protection, [(b"Cache-Control", b"public")])
    cookies = [value for name, value in headers if name == b"set-cookie"]
    assert [pair for pair in headers if pair[0].lower() == b"cache-control"] == [
        (b"cache-control", b"no-store")
    ]
    assert (b"vary", b"Cookie") in headers
    name, _, rest = cookies[0].decode().partition("=")
    value, _, flags = rest.partition("; ")
    assert (len(cookies), name) == (1, "__Host-zenith-csrf")
    assert flags == "Path=/; HttpOnly; SameSite=Lax; Secure"
    for each in (first, second):
        await protection.on_request(
            post(
                ORIGIN,
                ("cookie", f"{name}={value}"),
                ("x-csrf-token", each),
                principal=ANONYMOUS,
            )
        )


async def test_over_http_the_cookie_goes_without_secure_by_name_only():
    exchange, protection = make_exchange(), guard(secure_cookies=False)
    protection.on_request(exchange)
    csrf_token(exchange)
    headers = dict(await respond(exchange, protection))
    assert headers[b"set-cookie"].startswith(b"zenith-csrf=")
    assert b"Secure" not in headers[b"set-cookie"]


async def test_a_browser_that_has_the_cookie_keeps_it():
    exchange, protection = make_exchange(headers=[ANONYMOUS_COOKIE]), guard()
    protection.on_request(exchange)
    proof = csrf_token(exchange)
    assert b"set-cookie" not in dict(await respond(exchange, protection))
    await protection.on_request(
        post(ORIGIN, ANONYMOUS_COOKIE, ("x-csrf-token", proof), principal=ANONYMOUS)
    )


async def test_on_a_session_no_cookie_is_needed():
    exchange, protection = make_exchange(principal=SESSION), guard()
    protection.on_request(exchange)
    proof = csrf_token(exchange)
    assert b"set-cookie" not in dict(await respond(exchange, protection))
    await protection.on_request(post(ORIGIN, ("x-csrf-token", proof)))


async def test_one_guard_serves_many_at_once():
    protection = CsrfGuard([NEW], CsrfSettings())

    async def visit(number):
        exchange = make_exchange()
        protection.on_request(exchange)
        await asyncio.sleep(0)
        csrf_token(exchange)
        return dict(await respond(exchange, protection))[b"set-cookie"]

    assert len(set(await asyncio.gather(*(visit(n) for n in range(50))))) == 50


async def test_a_page_that_cross_origin_access_lets_in_needs_a_token_all_the_same():
    foreign = [("origin", "https://friend.example"), ("sec-fetch-site", "cross-site")]
    for headers, passes in (([("x-csrf-token", token())], True), ([], False)):
        exchange = post(*foreign, *headers)
        exchange.is_origin_admitted = True
        if passes:
            await guard().on_request(exchange)
        else:
            assert await refusal(exchange) == "no token"
    assert "Sec-Fetch-Site" in await refusal(post(*foreign, ("x-csrf-token", token())))
