"""Cookies on their way out: mended, refused or told of."""

from __future__ import annotations

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.pipeline.asgi import client
from zenith.headers import HeadersSettings, SecurityHeaders, SecurityHeadersMiddleware
from zenith.headers.cookies import MAX_NAMED, MAX_SIZE, CookieRules
from zenith.kernel.errors import ConfigurationError

SAFE = "s=1; Path=/; HttpOnly; SameSite=Lax; Secure"


def sent(*cookies, secure=True, **settings):
    headers = [(b"x-other", b"1"), *((b"Set-Cookie", each.encode("latin-1")) for each in cookies)]
    CookieRules(HeadersSettings(**settings)).check(headers, secure=secure)
    assert headers[0] == (b"x-other", b"1")
    return [value.decode("latin-1") for _, value in headers[1:]]


@pytest.mark.parametrize(
    ("cookie", "mended"),
    [
        (SAFE, SAFE),
        ("s=1; HTTPONLY; secure; samesite=STRICT", "s=1; HTTPONLY; secure; samesite=STRICT"),
        ("s=1", "s=1; Secure; HttpOnly; SameSite=Lax"),
        ("s=1; Path=/x", "s=1; path=/x; Secure; HttpOnly; SameSite=Lax"),
        ("s=1; Secure; HttpOnly", "s=1; secure; httponly; SameSite=Lax"),
        # No browser knows this flag.
        ("s=1; \xa0HttpOnly; Secure; SameSite=Lax",
         "s=1; \xa0httponly; secure; samesite=Lax; HttpOnly"),
        # Who says None has said so.
        ("s=1; SameSite=None", "s=1; samesite=None; Secure; HttpOnly"),
        ("s=1; Secure; HttpOnly; SameSite=what", "s=1; secure; httponly; SameSite=Lax"),
        ("s=1; Secure; HttpOnly; SameSite", "s=1; secure; httponly; SameSite=Lax"),
        ("s=1;; Secure; HttpOnly; SameSite=Lax; Domain=b.example",
         "s=1; secure; httponly; samesite=Lax"),
        ("__Host-s=1; HttpOnly; SameSite=Lax; Path=/x",
         "__Host-s=1; httponly; samesite=Lax; path=/; Secure"),
        ("__Host-s=1; Secure; HttpOnly; SameSite=Lax",
         "__Host-s=1; secure; httponly; samesite=Lax; path=/"),
        ("__Secure-s=1; HttpOnly; SameSite=Lax",
         "__Secure-s=1; httponly; samesite=Lax; Secure"),
    ],
)  # fmt: skip
def test_what_is_missing_is_added(cookie, mended):
    assert sent(cookie) == [mended]


def test_over_plain_http_secure_is_not_added():
    """Browsers would drop the cookie; some do on http://localhost too."""
    assert sent("s=1", secure=False) == ["s=1; HttpOnly; SameSite=Lax"]
    # A prefix is a promise that browsers hold it to.
    assert sent("__Secure-s=1", secure=False) == ["__Secure-s=1; Secure; HttpOnly; SameSite=Lax"]


def test_exceptions_are_for_one_cookie_and_one_rule():
    exceptions = {"theme": ("HttpOnly",), "sso": ("Domain", "SameSite")}
    assert sent("theme=dark; Secure; SameSite=Lax", cookie_exceptions=exceptions) == [
        "theme=dark; Secure; SameSite=Lax"
    ]
    assert sent("theme=dark", cookie_exceptions=exceptions) == ["theme=dark; Secure; SameSite=Lax"]
    assert sent("sso=1; Domain=b.example", cookie_exceptions=exceptions) == [
        "sso=1; domain=b.example; Secure; HttpOnly"
    ]


def test_refused_cookies_do_not_leave():
    cookies = (SAFE, "a=1", "b=1; Domain=b.example", SAFE)
    assert sent(*cookies, cookies="refuse") == [SAFE, SAFE]


def test_told_of_cookies_leave_as_they_are(caplog):
    caplog.set_level(logging.WARNING)
    cookies = ["a=1", "a=2", "b=1; Domain=b.example", "a=; Max-Age=0"]
    rules = CookieRules(HeadersSettings(cookies="report"))
    headers = [(b"set-cookie", each.encode()) for each in cookies]
    rules.check(headers, secure=True)
    assert [value.decode() for _, value in headers] == cookies
    told = sorted(record.getMessage().partition(";")[0] for record in caplog.records)
    assert told == [
        "cookie a: Secure, HttpOnly, SameSite",
        "cookie b: Secure, HttpOnly, SameSite, Domain",
    ]


@pytest.mark.parametrize("mode", ["add", "refuse"])
def test_what_removes_a_cookie_always_leaves(mode, caplog):
    removal = 'sso=""; expires=x; Max-Age=0; Path=/; Domain=b.example; SameSite=lax'
    (found,) = sent(removal, cookies=mode)
    assert "domain=b.example" in found
    assert "max-age=0" in found
    assert found.endswith("; Secure; HttpOnly")
    assert caplog.records == []


def test_what_browsers_would_drop_for_its_size(caplog):
    large = "s=" + "x" * MAX_SIZE
    tail = "; Secure; HttpOnly; SameSite=Lax"
    assert sent(large[:-1] + tail) == [large[:-1] + tail]
    assert "Size" not in caplog.text
    sent(large + tail)
    assert "cookie s: Size" in caplog.text
    assert sent(large + tail, cookies="refuse") == []


def test_the_log_names_few_and_cannot_be_written_to(caplog):
    rules = CookieRules(HeadersSettings())
    for number in range(MAX_NAMED + 50):
        rules.check([(b"set-cookie", f"c{number}=1".encode())], secure=True)
    assert len(caplog.records) == MAX_NAMED
    caplog.clear()
    CookieRules(HeadersSettings()).check([(b"set-cookie", b"a\x1b[2J\x85b=1")], secure=True)
    assert caplog.records[0].getMessage().startswith("cookie a?[2J?b:")


def test_only_responses_with_cookies_pay():
    headers, seen = SecurityHeaders(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CookieRules, "check", lambda *_, **__: seen.append(1))
        headers.apply([(b"content-type", b"text/plain"), (b"Cache-Control", b"x")], secure=True)
        assert seen == []
        headers.apply([(b"Set-Cookie", b"a=1")], secure=True)
        assert seen == [1]


async def test_the_frameworks_own_session_cookie():
    async def keep(request):
        request.session["x"] = 1
        answer = PlainTextResponse("")
        answer.set_cookie("seen", "1")
        return answer

    inner = Starlette(routes=[Route("/", keep)])
    inner.add_middleware(SessionMiddleware, secret_key="k" * 32)
    async with client(SecurityHeadersMiddleware(inner), "https://app.example.org") as browser:
        cookies = (await browser.get("/")).headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax"} <= flags


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"cookies": "mend"}, "cookies is 'mend'"),
        ({"cookie_exceptions": {"a": ("Everything",)}}, "cookie_exceptions of a"),
        ({"clear_at_sign_out": ("cookie",)}, "clear_at_sign_out names 'cookie'"),
        ({"report_retention": 60}, "report_retention"),
        ({"max_reports": 0}, "max_reports"),
        ({"network_errors": True}, "network_errors"),
        ({"extra": {"Clear-Site-Data": '"*"'}}, "Clear-Site-Data"),
    ],
)
def test_settings_are_checked(settings, problem):
    with pytest.raises(ConfigurationError, match=problem):
        HeadersSettings(**settings)


def test_what_was_looked_at_once_is_not_looked_at_again_but_for_its_size():
    rules = CookieRules(HeadersSettings(cookies="refuse"))
    tail = "; Secure; HttpOnly; SameSite=Lax"
    for value in ("1", "2", "x" * MAX_SIZE):
        headers = [(b"set-cookie", f"s={value}{tail}".encode())]
        rules.check(headers, secure=True)
        assert len(headers) == (len(value) < MAX_SIZE)
    headers = [(b"set-cookie", b"s=1; HttpOnly; SameSite=Lax")]
    rules.check(headers, secure=False)
    assert len(headers) == 1
    rules.check(headers, secure=True)
    assert headers == []


def test_what_is_remembered_is_bounded():
    rules = CookieRules(HeadersSettings())
    for number in range(MAX_NAMED + 2):
        cookie = f"s=1; Secure; HttpOnly; SameSite=Lax; Max-Age={number}"
        rules.check([(b"set-cookie", cookie.encode())], secure=True)
    assert len(rules._fine) == 2
