from __future__ import annotations

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

from tests.pipeline.asgi import hello
from zenith.authorization import (
    AuthorizationGuard,
    authenticated,
    mark_access,
    public,
    require_role,
)
from zenith.authorization.check import check_routes
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Mark, RouteTable, add_mark

GUARDS = (AuthorizationGuard(),)


class Opaque:
    async def __call__(self, scope, receive, send):
        await hello(scope, receive, send)


class Limit(Mark):
    pass


def check(app, *, guards=GUARDS, refuse=True, **declared):
    declared = {"/" + path.replace("_", "/"): access for path, access in declared.items()}
    check_routes(RouteTable(app), guards, declared=declared, refuse_undeclared=refuse)


def fault(app, **options):
    with pytest.raises(ConfigurationError) as caught:
        check(app, **options)
    return str(caught.value)


def app_with(endpoint, method="get", **route):
    app = FastAPI(openapi_url=None)
    getattr(app, method)("/a", **route)(endpoint)
    return app


def fresh():
    """A function of its own: declarations mark the function that they decorate."""

    async def endpoint(): ...

    return endpoint


def test_declared_routes_start():
    check(app_with(public(fresh())))
    check(app_with(fresh(), dependencies=[Depends(authenticated)]))
    check(app_with(fresh()), a=public)
    check(FastAPI(openapi_url=None))


def test_a_forgotten_route_is_named_with_the_line_to_add():
    text = fault(app_with(fresh(), "post"))
    assert "1 route(s) declare no access" in text
    assert "POST /a  (" in text
    assert "endpoint)" in text
    assert "add: @authenticated" in text
    assert "fix: add the lines above" in text


def test_every_forgotten_route_is_named():
    app, router = FastAPI(openapi_url=None), APIRouter(prefix="/r")

    @app.websocket("/socket")
    async def socket(websocket: WebSocket): ...

    app.api_route("/many", methods=["PUT", "DELETE"])(fresh())
    router.get("/x")(fresh())
    app.include_router(router)
    app.mount("/sub", Starlette(routes=[Route("/deep", fresh())]))
    app.mount("/opaque", Opaque())
    text = fault(app)
    for line in (
        "WEBSOCKET /socket",
        "DELETE,PUT /many",
        "GET /r/x",
        "GET /sub/deep",
        "MOUNT /opaque",
        'app.mount("/opaque", authenticated(...))',
    ):
        assert line in text
    assert "5 route(s)" in text


def test_hosts_static_files_and_frontends(tmp_path):
    (tmp_path / "index.html").write_text("x")
    app = Starlette(
        routes=[Host("h.example", Opaque()), Mount("/static", StaticFiles(directory=tmp_path))]
    )
    text = fault(app)
    assert "HOST /" in text
    assert "MOUNT /static" in text
    front = FastAPI(openapi_url=None)
    front.frontend("/", directory=tmp_path)
    assert "app.frontend(..., dependencies=[Depends(public)])" in fault(front)
    declared = FastAPI(openapi_url=None, dependencies=[Depends(public)])
    declared.frontend("/", directory=tmp_path)
    check(declared)


def test_a_declared_mount_answers_for_everything_below():
    app = FastAPI(openapi_url=None)
    app.mount("/sub", authenticated(Starlette(routes=[Route("/deep", fresh())])))
    app.mount("/opaque", public(Opaque()))
    check(app)


def test_a_bare_application_is_declared_as_a_whole():
    assert "MOUNT /" in fault(Opaque())
    assert "MOUNT /" in fault(hello)
    check(public(Opaque()))


def test_public_and_not_public_contradict_each_other():
    app = app_with(public(fresh()), dependencies=[Depends(require_role("admin"))])
    text = fault(app, refuse=False)
    assert "contradicts itself (public, role admin): keep one" in text
    check(app_with(authenticated(fresh()), dependencies=[Depends(require_role("admin"))]))
    check(app_with(public(fresh()), dependencies=[Depends(public)]))


def test_a_declaration_above_the_route_is_found_out():
    app = FastAPI(openapi_url=None)

    @authenticated
    @app.get("/a")
    async def late(): ...

    text = fault(app, refuse=False)
    assert "attached after the route was registered" in text
    assert "below the route's decorator" in text


def test_a_mark_without_its_guard_is_found_out():
    text = fault(app_with(public(add_mark(fresh(), Limit()))), refuse=False)
    assert "Limit has no guard that enforces it" in text


def test_without_the_guard_declarations_still_hold_but_other_marks_do_not():
    class LimitGuard(AuthorizationGuard):
        consumes = (Limit,)

    text = fault(app_with(public(fresh())), guards=(LimitGuard(),))
    assert "Access has no guard" in text


def test_dependencies_of_ones_own():
    async def dependency(): ...

    mark_access(dependency, authenticated)
    check(app_with(fresh(), dependencies=[Depends(dependency)]))


def test_endpoint_classes():
    class Endpoint(HTTPEndpoint):
        async def get(self, request): ...

    text = fault(Starlette(routes=[Route("/class", Endpoint)]))
    assert "HTTP /class" in text
    assert "Endpoint)" in text
    check(Starlette(routes=[Route("/class", public(Endpoint))]))


def test_an_undeclared_route_may_be_warned_of(caplog):
    check(app_with(fresh()), refuse=False)
    assert "GET /a" in caplog.text
