"""The attack: thousands of cookies, tokens, headers and bodies that no client of ours would send,
against the whole application, until one is answered with a 5xx."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts.application import bearer, browse, login, make_app, register, running
from tests.pipeline.asgi import ask, make_scope

EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PATHS = [
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout/everywhere"),
    ("POST", "/auth/password"),
    ("GET", "/auth/me"),
    ("GET", "/auth/sessions"),
    ("DELETE", "/auth/sessions/x"),
]
raw = st.binary(max_size=200).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))
text = st.text(max_size=120)
names = st.sampled_from(
    ["email", "password", "name", "refresh_token", "current_password", "new_password", "x"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
async def world(tmp_path):
    loop = asyncio.get_running_loop()
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        yield loop, app, tokens


class Asker:
    """Runs Hypothesis's examples, which are not async, on a thread beside the loop."""

    def __init__(self, loop, app):
        self.loop, self.app, self.seen = loop, app, set()

    def __call__(self, method, path, *, headers=(), body=(), **more):
        scope = make_scope(method, path, headers=headers, **more)
        waiting = asyncio.run_coroutine_threadsafe(ask(self.app, scope, *body), self.loop)
        answer = waiting.result(30)
        self.seen.add(answer.status)
        assert answer.status < 500, (method, path, headers, body, answer.body)
        return answer


async def attack(loop, app, example):
    asker = Asker(loop, app)
    await asyncio.to_thread(example, asker)
    return asker.seen


async def test_cookies_and_authorization_headers(world):
    loop, app, _ = world

    def example(ask):
        @EXAMPLES
        @given(
            st.sampled_from(PATHS),
            raw,
            raw,
            st.sampled_from([b"", b"zenith-session=", b"zenith-csrf=", b"zenith-device="]),
            st.sampled_from([b"", b"Bearer ", b"bearer", b"Basic ", b"DPoP "]),
        )
        def run(place, cookie, credential, name, scheme):
            headers = [(b"cookie", name + cookie), (b"authorization", scheme + credential)]
            ask(*place, headers=headers)

        run()

    assert await attack(loop, app, example) <= {400, 401, 403, 404, 405, 422, 431}


async def test_tokens_that_are_nearly_right(world):
    loop, app, tokens = world
    token = tokens["access_token"].encode()

    def example(ask):
        @EXAMPLES
        @given(
            st.integers(0, len(token) - 1),
            st.binary(min_size=1, max_size=3).filter(lambda b: not set(b) & set(b"\r\n")),
            st.integers(0, 3),
        )
        def run(place, junk, cut):
            changed = token[:place] + junk + token[place + cut :]
            ask("GET", "/auth/me", headers=[(b"authorization", b"Bearer " + changed)])

        run()

    seen = await attack(loop, app, example)
    assert seen <= {200, 400, 401, 431}


async def test_bodies_of_every_shape(world):
    loop, app, tokens = world
    signed_in = [(name.lower(), value) for name, value in bearer(tokens).items()]

    def example(ask):
        @EXAMPLES
        @given(st.sampled_from(PATHS[:6]), values, st.booleans())
        def run(place, value, known):
            if place[1].startswith("/auth/logout"):
                known = False
            body = json.dumps(value).encode()
            headers = [("content-type", "application/json"), *(signed_in if known else [])]
            ask(*place, headers=headers, body=[body])

        run()

    assert await attack(loop, app, example) <= {200, 201, 400, 401, 403, 413, 422}


async def test_fields_of_every_text(world):
    loop, app, tokens = world
    signed_in = [(name.lower(), value) for name, value in bearer(tokens).items()]

    def example(ask):
        @EXAMPLES
        @given(text, text, text)
        def run(one, two, three):
            json_body = [("content-type", "application/json")]
            for path, body, headers in (
                ("/auth/login", {"email": one, "password": two}, json_body),
                ("/auth/register", {"email": one, "password": two, "name": three}, json_body),
                ("/auth/refresh", {"refresh_token": one}, json_body),
                (
                    "/auth/password",
                    {"current_password": one, "new_password": two},
                    [*json_body, *signed_in],
                ),
            ):
                ask("POST", path, headers=headers, body=[json.dumps(body).encode()])
            ask("DELETE", f"/auth/sessions/{one}", headers=signed_in)

        run()

    assert await attack(loop, app, example) <= {200, 201, 307, 400, 401, 403, 404, 422, 429}


async def test_raw_bytes_as_bodies(world):
    loop, app, _ = world
    kinds = ["application/json", "text/plain", "", "application/json; charset=utf-16", "\x00"]

    def example(ask):
        @EXAMPLES
        @given(st.sampled_from(PATHS[:3]), st.lists(st.binary(max_size=80), max_size=3), st.data())
        def run(place, chunks, data):
            kind = data.draw(st.sampled_from(kinds))
            ask(*place, headers=[("content-type", kind)], body=chunks)

        run()

    assert await attack(loop, app, example) <= {400, 403, 413, 415, 422}


async def test_on_postgresql_too(tmp_path, postgres_url):
    """Its text holds no NUL, which SQLite stores: such input is refused as well."""
    async with running(make_app(tmp_path, database=postgres_url)) as app, browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        for junk in ("\x00", "a\x00b@example.org", "\ud800", "%", "'", "x" * 500):
            bodies = {
                "/auth/login": {"email": junk, "password": junk},
                "/auth/register": {"email": junk, "password": junk, "name": junk},
                "/auth/refresh": {"refresh_token": junk},
            }
            for path, body in bodies.items():
                answer = await client.post(
                    path,
                    content=json.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
                assert 400 <= answer.status_code < 500, (path, junk)
            scope = make_scope(
                "DELETE",
                f"/auth/sessions/{junk}",
                raw_path=b"/auth/sessions/x",
                headers=[(name.lower(), value) for name, value in bearer(tokens).items()],
            )
            answer = await ask(app, scope)
            assert 400 <= answer.status < 500, junk
