"""An attacker fills the console's forms with what no browser sends: fields that are missing, twice,
endless or of the wrong kind, NUL and bytes that are no text, other encodings of the body. Every
answer is a plain 4xx or the page itself, never a failure of the server (ASVS 2.2.1, 16.5.1).
"""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest

from tests.console.conftest import house, member, open_house
from tests.console.visitor import PASSWORD

__all__ = ["house", "member", "open_house"]

FORMS = {
    "/account/sign-in": ("email", "password", "next"),
    "/account/register": ("name", "email", "password"),
    "/account/password": ("current", "new", "repeated"),
    "/setup": ("email", "password", "repeated"),
    "/admin/accounts/x/lock": ("search", "after"),
    "/account/sessions/x/end": ("other",),
}
ODD = {
    "nul": b"\x00",
    "nul within": b"a\x00b@example.org",
    "no utf-8": b"\xff\xfe\xc0\x80",
    "surrogate": b"\xed\xa0\x80@example.org",
    "separators": b"\xe2\x80\xa8\r\n\t",
    "bidi": b"\xe2\x80\xae@example.org",
    "long": b"a" * 5000,
    "very long": b"a" * 200_000,
    "combining": "e\u0301".encode() * 400,
    "format": b"{0.__class__} %s %n ${7*7} {{7*7}}",
    "lone percent": b"%",
}
URLENCODED = "application/x-www-form-urlencoded"


def post(visitor, path, body, kind=URLENCODED):
    answer = visitor.client.post(path, content=body, headers={"Content-Type": kind})
    assert answer.status_code < 500, (path, body[:80], answer.text)
    assert "Traceback" not in answer.text
    return answer


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("path", FORMS)
def test_odd_values(house, member, path, name):
    for visitor in (member, house.ada, house.visitor()):
        token = visitor.token()
        for field in FORMS[path]:
            rest = "".join(f"&{other}=x%40example.org" for other in FORMS[path] if other != field)
            post(visitor, path, f"csrf_token={token}{rest}&{field}={quote_from_bytes(ODD[name])}")


@pytest.mark.parametrize("path", FORMS)
def test_missing_and_repeated_fields(house, path):
    visitor = house.visitor()
    for body in ("", "&".join(f"{field}=1&{field}=2" for field in FORMS[path]), "&" * 3000):
        post(visitor, path, f"csrf_token={visitor.token()}&{body}")
    token = visitor.token()
    # Two tokens: the first one decides, whatever the second one is.
    assert post(visitor, path, f"csrf_token=x&csrf_token={token}").status_code == 403


@pytest.mark.parametrize("path", FORMS)
def test_thousands_of_fields(house, path):
    visitor = house.visitor()
    many = "&".join(f"f{number}=1" for number in range(20_000))
    post(visitor, path, f"csrf_token={visitor.token()}&{many}")
    post(visitor, path, "&".join(["a"] * 100_000))


@pytest.mark.parametrize("path", FORMS)
def test_other_encodings_of_the_body(house, path):
    visitor = house.visitor()
    token = visitor.token()
    parts = {"csrf_token": (None, token)}
    parts |= dict.fromkeys(FORMS[path], (None, "x@example.org"))
    assert visitor.client.post(path, files=parts).status_code < 500
    # A file where text belongs.
    files = dict.fromkeys(FORMS[path], ("a.txt", b"\x00\xff", "text/plain"))
    answer = visitor.client.post(path, files={"csrf_token": (None, token), **files})
    assert 400 <= answer.status_code < 500
    for kind in ("application/json", "text/plain", "", "multipart/form-data", "a/b; boundary=\xe9"):
        body = b'{"csrf_token": "x"}'
        headers = {"Content-Type": kind.encode("latin-1"), "X-CSRF-Token": token}
        assert visitor.client.post(path, content=body, headers=headers).status_code < 500
    broken = b"--x\r\nContent-Disposition: form-data; name=csrf_token\r\n\r\n" + token.encode()
    post(visitor, path, broken, "multipart/form-data; boundary=x")


def test_multipart_is_a_form_too(house):
    visitor = house.visitor()
    visitor.register("multipart@example.org")
    fields = {"email": "multipart@example.org", "password": PASSWORD, "next": "/account/password"}
    parts = {"csrf_token": (None, visitor.token())}
    parts |= {name: (None, value) for name, value in fields.items()}
    answer = visitor.client.post("/account/sign-in", files=parts, follow_redirects=False)
    assert answer.headers["location"] == "/account/password"


@pytest.mark.parametrize(
    "cookie",
    ["", "=", "zenith-session", "zenith-session=\xff", "zenith-session=" + "a" * 7000, ";;;=;",
     'zenith-session="', "zenith-csrf=\xe9; zenith-device=.; zenith-setup=%00"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/account/", "/account/sign-in", "/setup"])
def test_odd_cookies(house, path, cookie):
    visitor = house.visitor()
    answer = visitor.get(path, headers={b"Cookie": cookie.encode("latin-1")})
    assert answer.status_code < 500
    answer = visitor.client.post(
        path, data={"csrf_token": "x"}, headers={b"Cookie": cookie.encode("latin-1")}
    )
    assert 400 <= answer.status_code < 500
