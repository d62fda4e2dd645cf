"""The attack: nobody breaks in, the door was left open: an application that starts in production
with a guessable key, without encryption, with a forgotten route, or with state that its processes
do not share. Each refuses the start and says which setting to change."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from httpx import ASGITransport, AsyncClient
from starlette.routing import Route

from tests.accounts.application import KEY, StartRefusedError, running
from zenith.app import Zenith
from zenith.authorization import authenticated, public
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.passwords import PasswordSettings
from zenith.pipeline import Mark, add_mark
from zenith.rate_limits import rate_limit
from zenith.settings import Settings

SAFE = {
    "ZENITH_ENV": "production",
    "ZENITH_SECRET_KEY": KEY.reveal(),
    "ZENITH_ORIGIN": "https://app.example.org",
}

REFUSED = {
    "no key": ({"SECRET_KEY": ""}, "ZENITH_SECRET_KEY is not set", "secrets.token_urlsafe"),
    "short key": ({"SECRET_KEY": "aB3$" * 7}, "shorter than 256 bits", "ZENITH_SECRET_KEY"),
    "few characters": ({"SECRET_KEY": "abc1" * 16}, "fewer than 16 distinct", "ZENITH_SECRET_KEY"),
    "placeholder": (
        {"SECRET_KEY": "your-secret-0123456789-abcdefghijk-XYZ"},
        "ZENITH_SECRET_KEY looks like a placeholder",
        "secrets.token_urlsafe",
    ),
    "weak former key": (
        {"PREVIOUS_SECRET_KEYS": "hunter2hunter2"},
        "ZENITH_PREVIOUS_SECRET_KEYS is shorter",
        "secrets.token_urlsafe",
    ),
    "http": ({"ORIGIN": "http://app.example.org"}, "not encrypted", "https"),
    "default origin": ({"ORIGIN": None}, "ZENITH_ORIGIN is http://localhost:8000", "https"),
    "workers": ({"WORKERS": "4"}, "ZENITH_WORKERS is 4", "ZENITH_REDIS__URL"),
    "weak profile": (
        {"PASSWORDS__PROFILE": "testing"},
        "ZENITH_PASSWORDS",
        "ZENITH_PASSWORDS__PROFILE",
    ),
    "weak bcrypt": (
        {"PASSWORDS__ALGORITHM": "bcrypt", "PASSWORDS__BCRYPT_ROUNDS": "4"},
        "ZENITH_PASSWORDS",
        "defaults",
    ),
    "unknown variable": (
        {"SESSION__IDLE_LIFETIME": "60"},
        "ZENITH_SESSION__IDLE_LIFETIME is no setting",
        "ZENITH_SESSIONS",
    ),
    "misspelled environment": ({"ENV": "Production"}, "ZENITH_ENV", "correct"),
}


def settings(**changes):
    named = dict(SAFE)
    for name, value in changes.items():
        named[f"ZENITH_{name}"] = value
    return Settings.from_env(
        {name: value for name, value in named.items() if value is not None}, dotenv=None
    )


def test_safe_settings_start():
    assert settings().is_production
    assert settings(WORKERS="4", REDIS__URL="redis://cache").workers == 4


@pytest.mark.parametrize("case", REFUSED)
def test_unsafe_settings_name_the_setting_and_the_fix(case):
    changes, problem, fix = REFUSED[case]
    with pytest.raises(ConfigurationError) as caught:
        settings(**changes)
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    for name, value in changes.items():
        if value and "KEY" in name:
            assert value not in str(caught.value)


@pytest.mark.parametrize("word", ["change-me", "CHANGEME", "default", "example", "password"])
def test_keys_from_tutorials_are_known(word):
    with pytest.raises(ConfigurationError, match="placeholder"):
        settings(SECRET_KEY=f"{word}-aZ3bY4cX5dW6eV7fU8gT9hS0")


@pytest.fixture
def make(tmp_path):
    def make(**more):
        return Zenith(
            settings=Settings(
                env="production",
                home=tmp_path,
                origin="https://app.example.org",
                secret_key=KEY,
                passwords=PasswordSettings(workers=1),
            ),
            **more,
        )

    return make


async def refusal(app):
    with pytest.raises(StartRefusedError) as caught:
        async with running(app):
            pass
    return str(caught.value)


async def test_debug_shows_variables_to_every_visitor(make):
    with pytest.raises(ConfigurationError, match="debug=True") as caught:
        make(debug=True)
    assert "leave debug out" in caught.value.fix


async def test_debug_that_is_set_once_the_application_is_made(make):
    app = make()
    app.debug = True
    assert "debug=True" in await refusal(app)


async def test_debug_that_is_set_while_the_application_runs(make):
    app = make()

    @app.get("/broken")
    @public
    async def broken():
        raise RuntimeError("the secret of the house")

    async with running(app):
        app.debug = True
        transport = ASGITransport(app=app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="https://app.example.org") as http:
            answer = await http.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "house" not in answer.text


async def test_a_page_of_another_site_is_not_asked_for_later_either(make):
    app = make()
    app.redoc_url = "/redoc"
    assert "redoc_url" in await refusal(app)


async def test_every_undeclared_route_is_listed_with_the_line_to_add(make):
    app = make()

    @app.get("/forgotten")
    async def forgotten():
        return None

    @app.post("/declared")
    @authenticated
    async def declared():
        return None

    @app.websocket("/live")
    async def live(socket: WebSocket):
        await socket.accept()

    router = APIRouter(prefix="/below")

    @router.delete("/{number}")
    async def remove(number: int):
        return None

    app.include_router(router)
    app.mount("/files", FastAPI(openapi_url=None))
    app.mount("/opaque", _opaque)
    app.routes.append(Route("/starlette", _endpoint))
    said = await refusal(app)
    for place in ("GET /forgotten", "WEBSOCKET /live", "DELETE /below/{number}", "GET /starlette"):
        assert re.search(rf"{re.escape(place)}  \(.*\)\n    add: @authenticated", said), place
    assert 'add: app.mount("/opaque", authenticated(...))' in said
    assert "/declared" not in said
    assert said.startswith("6 route(s)")


async def test_a_mount_is_declared_as_a_whole_or_inside(make):
    app = make()
    inside = FastAPI(openapi_url=None)

    @inside.get("/open")
    @public
    async def opened():
        return None

    app.mount("/inside", inside)
    app.mount("/whole", authenticated(_opaque))
    async with running(app):
        pass


async def test_a_declaration_above_the_route_holds_nothing(make):
    app = make()

    @authenticated
    @app.get("/late")
    async def late():
        return None

    said = await refusal(app)
    assert "GET /late" in said
    assert "below the route's decorator" in said


async def test_a_limit_above_the_route_limits_nothing(make):
    app = make()

    @rate_limit("1/minute")
    @app.get("/late")
    @public
    async def late():
        return None

    assert "below the route's decorator" in await refusal(app)


async def test_a_mark_that_no_guard_reads_protects_nothing(make):
    class Fence(Mark):
        """Looks like protection."""

    app = make()

    @app.get("/fenced")
    @public
    async def fenced():
        return None

    add_mark(app.routes[-1].endpoint, Fence())
    said = await refusal(app)
    assert "Fence has no guard that enforces it" in said


async def test_a_limit_where_limits_are_off_limits_nothing(tmp_path):
    app = Zenith(
        settings=Settings(
            env="production",
            home=tmp_path,
            origin="https://app.example.org",
            secret_key=KEY,
            rate_limits=None,
        )
    )

    @app.get("/limited")
    @rate_limit("1/minute")
    @public
    async def limited():
        return None

    assert "RateLimitMark has no guard" in await refusal(app)


async def test_two_declarations_that_contradict_each_other(make):
    app = make()

    @app.get("/both")
    @public
    @authenticated
    async def both():
        return None

    assert "contradicts itself" in await refusal(app)


async def test_in_development_the_same_is_a_warning(tmp_path, caplog):
    app = Zenith(
        settings=Settings(
            env="test", home=tmp_path, secret_key=KEY, passwords=PasswordSettings(profile="testing")
        )
    )

    @app.get("/forgotten")
    async def forgotten():
        return None

    async with running(app):
        pass
    assert "GET /forgotten" in caplog.text
    assert "In production this refuses the start" in caplog.text


async def test_a_schema_that_nobody_upgraded_refuses_the_start(tmp_path, postgres_url):
    from zenith.stores.settings import DatabaseSettings

    app = Zenith(
        settings=Settings(
            env="production",
            home=tmp_path,
            origin="https://app.example.org",
            secret_key=KEY,
            database=DatabaseSettings(url=Secret(postgres_url)),
        )
    )
    said = await refusal(app)
    assert "zenith db upgrade" in said
    assert postgres_url not in said


async def _opaque(scope, receive, send):
    raise NotImplementedError


async def _endpoint(request):
    raise NotImplementedError
