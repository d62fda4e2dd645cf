"""`Zenith`: FastAPI behind the pipeline, with routes and handlers of its own."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import FastAPI, HTTPException, Query, Security, WebSocket
from fastapi.security import HTTPBasic
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from tests.accounts.application import (
    ORIGIN,
    bearer,
    browse,
    login,
    make_app,
    make_settings,
    register,
    running,
)
from tests.pipeline.asgi import ask, connect, make_scope, websocket_scope
from zenith.api_keys.depends import CallingKey
from zenith.app import Zenith
from zenith.authorization import (
    authenticated,
    public,
    require_permission,
    require_role,
    require_scope,
)
from zenith.kernel.errors import ConfigurationError, ConflictError
from zenith.passwords import PasswordSettings
from zenith.pipeline import Guard, Stage
from zenith.rate_limits import RateLimitSettings


def production(tmp_path):
    return make_settings(
        tmp_path,
        env="production",
        origin="https://app.example.org",
        passwords=PasswordSettings(),
    )


async def get(app, path, **more):
    return await ask(app, make_scope("GET", path, **more))


async def test_settings_default_to_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZENITH_ENV", "test")
    app = Zenith()
    assert app.settings.env == "test"
    assert (tmp_path / ".zenith" / "secret.key").exists()


async def test_health_and_readiness(tmp_path):
    async with running(make_app(tmp_path)) as app:
        assert (await get(app, "/healthz")).body == b'{"status":"ok"}'
        assert (await get(app, "/readyz")).body == b'{"status":"ready"}'


async def test_without_redis_an_application_that_goes_on_is_ready(tmp_path):
    """All processes lose the same Redis at once: 503 would have a balancer drop every one."""
    async with running(make_app(tmp_path, redis="redis://127.0.0.1:1")) as app:
        answer = await get(app, "/readyz")
        assert (answer.status, answer.body) == (200, b'{"status":"degraded"}')


async def test_not_ready_is_503_with_retry_after(tmp_path):
    limits = RateLimitSettings(on_failure="closed")
    app = make_app(tmp_path, redis="redis://127.0.0.1:1", rate_limits=limits)
    async with running(app):
        answer = await get(app, "/readyz")
        assert answer.status == 503
        assert b"retry-after" in answer.headers
        assert (await get(app, "/healthz")).status == 200


async def test_load_balancers_are_not_told_to_go_away(tmp_path):
    few = RateLimitSettings(per_address="2/minute")
    async with running(make_app(tmp_path, rate_limits=few)) as app:
        probes = [(await get(app, path)).status for path in ("/healthz", "/readyz") * 10]
        assert {*probes} == {200}
        many = [(await get(app, "/readyz")).status for _ in range(600)]
        assert (many[0], many[-1]) == (200, 429)
        assert [(await get(app, "/page")).status for _ in range(3)] == [200, 200, 429]


async def test_without_limits_there_are_none_on_the_probes(tmp_path):
    async with running(make_app(tmp_path, rate_limits=None)) as app:
        answer = await get(app, "/healthz")
        assert answer.status == 200
        assert b"ratelimit" not in answer.headers


async def test_handlers_use_all_of_fastapi(tmp_path):
    app = make_app(tmp_path)

    @app.get("/items/{number}")
    @public
    async def item(number: int, q: Annotated[str, Query(max_length=5)] = "x"):
        return {"number": number, "q": q}

    async with running(app), browse(app) as client:
        assert (await client.get("/items/7?q=y")).json() == {"number": 7, "q": "y"}


async def test_guards_and_services_of_ones_own(tmp_path):
    class Greeting:
        text = "hello"

    class Stamp(Guard):
        stage = Stage.AUTHORIZATION

        async def on_response(self, exchange):
            exchange.response_headers.append((b"x-stamp", b"1"))

    app = Zenith(
        settings=make_settings(tmp_path), guards=[Stamp()], services={Greeting: Greeting()}
    )

    @app.get("/greet")
    @public
    async def greet():
        from zenith.pipeline import running_exchange

        return running_exchange().service(Greeting).text

    async with running(app):
        answer = await get(app, "/greet")
        assert answer.body == b'"hello"'
        assert answer.headers[b"x-stamp"] == b"1"


async def test_routes_that_cannot_be_decorated_are_declared_by_path(tmp_path):
    app = Zenith(settings=production(tmp_path), declared={"/foreign": authenticated})
    app.add_api_route("/foreign", lambda: "x", methods=["GET"])
    assert app.docs_url == "/docs"
    async with running(app):
        host = [("host", "app.example.org")]
        assert (await get(app, "/foreign", headers=host)).status == 401
        assert (await get(app, "/docs", headers=host)).status == 404
        assert (await get(app, "/openapi.json", headers=host)).status == 404


# Documentation -----------------------------------------------------------------------------------


async def test_the_documentation_is_open_in_development_only(tmp_path):
    async with running(make_app(tmp_path)) as app:
        page = await get(app, "/docs")
        assert page.status == 200
        assert page.headers[b"cross-origin-opener-policy"] == b"same-origin-allow-popups"
        back = await get(app, "/docs/oauth2-redirect")
        assert back.headers[b"cross-origin-opener-policy"] == b"unsafe-none"
        assert b"'nonce-" in page.headers[b"content-security-policy"]
        assert (await get(app, "/docs/assets/docs.js")).status == 200
    app = Zenith(settings=make_settings(tmp_path), docs_access=require_role("admin"))
    async with running(app):
        for path in ("/docs", "/openapi.json", "/docs/assets/docs.js"):
            assert (await get(app, path)).status == 401


async def test_swagger_options_of_fastapi_are_passed_on(tmp_path):
    app = Zenith(
        settings=make_settings(tmp_path),
        title="Books",
        docs_url="/manual",
        swagger_ui_oauth2_redirect_url="/manual/back",
        swagger_ui_init_oauth={"clientId": "docs"},
        swagger_ui_parameters={"docExpansion": "none"},
    )
    async with running(app):
        page = (await get(app, "/manual")).body.decode()
        for part in ("Books", "docExpansion", "clientId", "/manual/back"):
            assert part in page
        assert (await get(app, "/manual/back")).status == 200


async def test_the_documentation_works_where_headers_are_off(tmp_path):
    async with running(make_app(tmp_path, headers=None)) as app:
        assert (await get(app, "/docs")).status == 200


async def test_the_schema_may_be_shown_without_the_page(tmp_path):
    app = Zenith(settings=make_settings(tmp_path), docs_url=None)
    async with running(app):
        assert (await get(app, "/openapi.json")).status == 200
        assert (await get(app, "/docs")).status == 404


def test_pages_with_foreign_scripts_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="redoc_url"):
        Zenith(settings=make_settings(tmp_path), redoc_url="/redoc")
    Zenith(settings=make_settings(tmp_path), redoc_url=None)


async def test_the_schema_names_where_it_is_served(tmp_path):
    async with running(make_app(tmp_path)) as app:
        import json

        plain = json.loads((await get(app, "/openapi.json")).body)
        assert "servers" not in plain
        below = json.loads((await get(app, "/api/openapi.json", root_path="/api")).body)
        assert below["servers"] == [{"url": "/api"}]


async def test_the_schema_says_which_credentials_a_route_asks_for(tmp_path):
    app = make_app(tmp_path)

    @app.get("/files/{path:path}")
    @require_scope("files:read")
    async def files(path: str):
        return path

    @app.get("/own")
    @authenticated
    async def own(login: Annotated[object, Security(HTTPBasic())]):
        return login

    @app.get("/open")
    @public
    async def opened():
        return None

    @app.get("/forgotten")
    async def forgotten():
        return None

    @app.post("/things")
    @require_permission("things:write")
    async def things():
        return None

    @app.get("/machines")
    async def machines(key: CallingKey):
        return key.id

    schema = app.openapi()
    schemes = schema["components"]["securitySchemes"]
    assert schemes.keys() == {"bearer", "session", "api_key", "HTTPBasic"}
    assert (schemes["session"]["name"], schemes["api_key"]["name"]) == (
        "zenith-session",
        "X-API-Key",
    )
    either, key = [{"bearer": []}, {"session": []}], {"api_key": []}
    asked = {
        (method, path): operation.get("security")
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    assert asked["get", "/auth/me"] == asked["post", "/things"] == [*either, key]
    assert asked["delete", "/auth/sessions/{session_id}"] == either, "one's own is no key's"
    assert asked["get", "/files/{path}"] == [{"bearer": ["files:read"]}, key]
    assert asked["get", "/machines"] == [key]
    assert asked["get", "/own"] == [{"HTTPBasic": []}]
    for public_one in (("post", "/auth/login"), ("get", "/open"), ("get", "/forgotten")):
        assert asked[public_one] is None
    assert app.openapi() is schema


def test_a_schema_without_credentials_names_none(tmp_path):
    app = Zenith(settings=make_settings(tmp_path))

    @app.get("/open")
    @public
    async def opened():
        return None

    assert app.openapi()["components"].keys() == {"responses"}


# Errors ------------------------------------------------------------------------------------------


async def test_answers_without_a_body_have_none(tmp_path):
    app = make_app(tmp_path)

    @app.get("/same")
    @public
    async def same():
        raise HTTPException(304, headers={"ETag": '"a"'})

    async with running(app):
        answer = await get(app, "/same")
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers[b"etag"] == b'"a"'


async def test_http_errors_keep_their_detail_and_headers(tmp_path):
    app = make_app(tmp_path)

    @app.get("/gone")
    @public
    async def gone():
        raise HTTPException(410, detail={"moved": "away"}, headers={"X-Why": "a"})

    async with running(app), browse(app) as client:
        answer = await client.get("/gone")
        assert answer.json()["detail"] == {"moved": "away"}
        assert answer.headers["x-why"] == "a"


async def test_own_handlers_are_kept(tmp_path):
    async def mine(request, error):
        return PlainTextResponse("mine", 418)

    app = Zenith(
        settings=make_settings(tmp_path),
        exception_handlers={HTTPException: mine, ConflictError: mine, 500: mine},
    )

    @app.get("/http")
    @public
    async def http():
        raise HTTPException(400)

    @app.get("/conflict")
    @public
    async def conflict():
        raise ConflictError

    @app.get("/broken")
    @public
    async def broken():
        raise RuntimeError

    async with running(app), browse(app) as client:
        for path in ("/http", "/conflict", "/broken"):
            assert (await client.get(path)).status_code == 418, path


async def test_faults_are_bounded(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        body = {f"{n}{'x' * 500}": 1 for n in range(500)}
        answer = await client.post("/auth/login", json=body)
        assert answer.status_code == 422
        assert len(answer.json()["detail"]) == 50
        assert len(answer.text) < 20_000


async def test_a_handshake_with_bad_input_is_closed_without_an_echo(tmp_path):
    app = make_app(tmp_path)

    @app.websocket("/live")
    @public
    async def live(socket: WebSocket, number: int):
        await socket.accept()

    @app.websocket("/refused")
    @public
    async def refused(socket: WebSocket):
        raise HTTPException(404)

    async with running(app):
        origin = [("origin", "http://localhost")]
        answer = await connect(
            app, websocket_scope("/live", query=b"number=hunter2", headers=origin)
        )
        (message,) = answer.messages
        assert (message["type"], message["code"]) == ("websocket.close", 1008)
        assert "hunter2" not in message["reason"]
        answer = await connect(app, websocket_scope("/refused", headers=origin))
        assert answer.messages[0]["code"] == 1008


async def test_foreign_errors_are_not_swallowed_by_the_handlers():
    from zenith.app import _http_exception, _invalid_request

    for handler in (_http_exception, _invalid_request):
        with pytest.raises(RuntimeError):
            await handler(None, RuntimeError())


async def test_the_application_starts_with_its_first_request_too(tmp_path):
    app = make_app(tmp_path)
    async with browse(app) as client:
        assert (await register(client)).status_code == 201
        tokens = (await login(client)).json()
        assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 200
    await app.assembly.stop()


async def test_it_starts_again_after_a_stop(tmp_path):
    app = make_app(tmp_path)
    for status in (201, 201):
        async with running(app), browse(app) as client:
            assert (await register(client)).status_code == status
            assert (await login(client)).status_code == 200


async def test_the_public_keys_are_published(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        assert (await client.get("/.well-known/jwks.json")).json() == {"keys": []}


async def test_flows_below_a_prefix_of_ones_own(tmp_path):
    app = Zenith(settings=make_settings(tmp_path))
    app.add_auth(prefix="/v1/users")
    async with running(app), browse(app, origin=ORIGIN) as client:
        answer = await client.get("/v1/users/me")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_it_is_a_fastapi_application(tmp_path):
    app = make_app(tmp_path)
    assert isinstance(app, FastAPI)
    assert app.accounts is app.assembly.accounts


async def test_what_a_middleware_raises_is_answered_like_what_a_handler_raises(tmp_path):
    app = make_app(tmp_path)

    @app.middleware("http")
    async def closed(request, call_next):
        if request.url.path == "/page":
            raise ConflictError
        return await call_next(request)

    async with running(app):
        answer = await get(app, "/page")
        assert answer.status == 409
        assert b"content-security-policy" in answer.headers
        assert (await get(app, "/healthz")).status == 200


async def test_telemetry_that_is_set_up_late_is_noticed(tmp_path, monkeypatch):
    """FastAPI looks for it with every request; here a second may pass."""
    from fastapi.telemetry._asgi import NativeTelemetry

    app = make_app(tmp_path)
    app.root_path = "/below"
    seen, times = [], iter((0.0, 0.5, 1.0, 1.5))

    @app.get("/seen")
    @public
    async def handler(request: Request):
        seen.append(("fastapi.telemetry" in request.scope, request.scope["root_path"]))

    async def observed(self, *, app, scope, receive, send, **more):
        scope["fastapi.telemetry"] = None
        await app(scope, receive, send)

    async with running(app):
        monkeypatch.setattr("zenith.app.steady_clock", lambda: next(times))
        await get(app, "/seen")
        monkeypatch.setattr(NativeTelemetry, "enabled", lambda self: True)
        monkeypatch.setattr(NativeTelemetry, "__call__", observed)
        for _ in range(3):
            await get(app, "/seen")
        monkeypatch.undo()
    assert seen == [(False, "/below"), (False, "/below"), (True, "/below"), (True, "/below")]


async def test_an_unknown_telemetry_is_left_to_fastapi(tmp_path):
    app = make_app(tmp_path)
    async with running(app):
        del app._native_telemetry
        with pytest.raises(AttributeError):
            await get(app, "/healthz")
