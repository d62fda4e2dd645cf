"""The attack: trying every address until one answers. Somebody forgot its check, wrote it where
nothing runs it, or added the route after the review (ASVS 8.1.1, 8.2.1)."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.authorization.people import protect
from tests.pipeline.asgi import ask, make_scope
from zenith.authorization import authenticated, public, require_role
from zenith.kernel.errors import ConfigurationError


async def forgotten(request):
    return PlainTextResponse("everything")


def strict(app):
    return protect(app, refuse_undeclared=True)


def fastapi_route(app):
    app.get("/x")(lambda: "everything")


def fastapi_router(app):
    router = APIRouter()
    router.get("/x")(lambda: "everything")
    app.include_router(router, prefix="/deep")


def fastapi_nested_router(app):
    inner, outer = APIRouter(), APIRouter()
    inner.get("/x")(lambda: "everything")
    outer.include_router(inner)
    app.include_router(outer)


def fastapi_socket(app):
    @app.websocket("/x")
    async def socket(websocket): ...


def mounted_application(app):
    app.mount("/m", Starlette(routes=[Route("/x", forgotten)]))


def mounted_deep(app):
    app.mount("/m", Starlette(routes=[Mount("/n", routes=[Route("/x", forgotten)])]))


def mounted_opaque(app):
    async def opaque(scope, receive, send): ...

    app.mount("/m", opaque)


def documentation(app):
    app.openapi_url, app.docs_url = "/openapi.json", "/docs"
    app.setup()


@pytest.mark.parametrize(
    "add",
    [
        fastapi_route,
        fastapi_router,
        fastapi_nested_router,
        fastapi_socket,
        mounted_application,
        mounted_deep,
        mounted_opaque,
        documentation,
    ],
)
async def test_one_forgotten_route_refuses_the_start(add):
    app = FastAPI(openapi_url=None)
    app.get("/declared")(public(lambda: "open"))
    strict(app).prepare()
    add(app)
    with pytest.raises(ConfigurationError, match="declare no access"):
        strict(app).prepare()


def test_a_frontend_of_an_included_router(tmp_path):
    (tmp_path / "index.html").write_text("everything")
    app, router = FastAPI(openapi_url=None), APIRouter()
    router.frontend("/", directory=tmp_path)
    app.include_router(router)
    with pytest.raises(ConfigurationError, match="declare no access"):
        strict(app).prepare()


@pytest.mark.parametrize(
    "declare",
    [
        lambda app: authenticated(app.get("/x")(named())),
        lambda app: require_role("admin")(app.get("/x")(named())),
        lambda app: public(app.get("/x", dependencies=[Depends(authenticated)])(named())),
    ],
)
def test_a_check_written_where_nothing_runs_it_refuses_every_start(declare):
    app = FastAPI(openapi_url=None)
    declare(app)
    with pytest.raises(ConfigurationError, match="would not hold"):
        protect(app).prepare()


def named():
    async def handler(): ...

    return handler


async def test_a_route_added_after_the_start_is_checked_before_it_serves():
    app = FastAPI(openapi_url=None)
    app.get("/declared")(public(lambda: "open"))
    protected = strict(app)
    assert (await ask(protected, make_scope(path="/declared"))).status == 200
    fastapi_route(app)
    with pytest.raises(ConfigurationError):
        await ask(protected, make_scope(path="/x"))


async def test_an_address_without_a_route_answers_nothing():
    app = FastAPI(openapi_url=None)
    app.get("/declared")(public(lambda: "open"))
    for path in ("/docs", "/openapi.json", "/redoc", "/.env", "/admin", "/declared/x"):
        assert (await ask(strict(app), make_scope(path=path))).status == 404
