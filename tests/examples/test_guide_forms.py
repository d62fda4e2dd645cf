"""The guide's CSRF protection: the class, the middleware, the form."""

from __future__ import annotations

import re

import pytest

from examples.guide.forms import synchronizer
from tests.examples.conftest import ORIGIN
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, new_token


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_the_class_signs_what_it_generates():
    """The guide takes a secret key and never uses it: whatever somebody plants in the session
    passes."""
    protection = synchronizer(Secret(new_token(48)))
    token = protection.generate_token()
    assert protection.validate_token(token, token)
    assert not protection.validate_token("planted", "planted")
    assert not protection.validate_token("", "")
    assert not protection.validate_token(token, protection.generate_token())
    assert not protection.validate_token("tökén", token)
    with pytest.raises(ConfigurationError):
        synchronizer("your-secret-key")


async def test_the_form_page_shows_a_token_and_is_kept_out_of_caches(guide):
    """The guide needs a session middleware that it never installs, and shows the same token on
    every page, so that compression tells it (BREACH)."""
    first, second = await guide.client.get("/form"), await guide.client.get("/form")
    assert token_in(first.text) != token_in(second.text)
    assert first.headers["cache-control"] == "no-store"
    assert first.cookies.keys() == {"__Host-zenith-csrf"}
    assert "HttpOnly; SameSite=Lax; Secure" in first.headers["set-cookie"]


async def test_the_handler_gets_the_form_that_the_guard_has_read(guide):
    """The guide's middleware reads the form, after which the handler waits for a body that does
    not come; and it compares the whole header, so `; charset=utf-8` or an upload loses the token.
    """
    token = token_in((await guide.client.get("/form")).text)
    fields = {"csrf_token": token, "data": "<b>Ada</b>"}
    plain = await guide.client.post("/submit", data=fields)
    upload = await guide.client.post("/submit", data=fields, files={"file": b"x" * 1000})
    named = await guide.client.post(
        "/submit",
        content=f"csrf_token={token}&data=Ada",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    assert plain.status_code == upload.status_code == named.status_code == 200
    assert "You sent: &lt;b&gt;Ada&lt;/b&gt;" in plain.text


@pytest.mark.parametrize("token", ["", "x", "A" * 86, "A" * 100_000])
async def test_a_wrong_token_is_refused(guide, token):
    """`compare_digest` of the guide raises TypeError for text that is not ASCII: a 500."""
    await guide.client.get("/form")
    answer = await guide.client.post("/submit", data={"csrf_token": token, "data": "x"})
    header = {"X-CSRF-Token": "é".encode("latin-1")}
    other = await guide.client.post("/submit", data={"data": "x"}, headers=header)
    assert answer.status_code == other.status_code == 403


async def test_an_attackers_own_token_does_not_serve_for_the_victim(guide, start_guide):
    """A token that is only compared with itself, or not bound to anybody, can be brought along."""
    attacker = await start_guide()
    token = token_in((await attacker.client.get("/form")).text)
    await guide.client.get("/form")
    answer = await guide.client.post("/submit", data={"csrf_token": token, "data": "x"})
    assert answer.status_code == 403


async def test_a_page_of_another_site_is_refused_even_with_a_token(guide):
    """The guide does not look at where the request comes from."""
    token = token_in((await guide.client.get("/form")).text)
    fields = {"csrf_token": token, "data": "x"}
    foreign = await guide.client.post(
        "/submit", data=fields, headers={"Origin": "https://evil.example"}
    )
    crossed = await guide.client.post(
        "/submit", data=fields, headers={"Sec-Fetch-Site": "cross-site"}
    )
    own = await guide.client.post("/submit", data=fields, headers={"Origin": ORIGIN})
    assert (foreign.status_code, crossed.status_code, own.status_code) == (403, 403, 200)


async def test_a_bearer_call_needs_no_token(guide):
    """The guide asks every API client for a token that only a page could have."""
    bearer = await guide.bearer()
    guide.client.cookies.clear()
    body = {"data": "test"}
    answer = await guide.client.post("/api/sensitive-action", json=body, headers=bearer)
    assert answer.json() == {"done": body}
