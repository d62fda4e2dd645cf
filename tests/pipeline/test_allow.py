from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.pipeline.asgi import ask, client, connect, make_scope, websocket_scope
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard


async def page(request):
    return PlainTextResponse("page")


def application():
    app = FastAPI()
    router = APIRouter(prefix="/things")

    @router.get("/{number}")
    async def read(number: int) -> int:
        return number

    @router.put("/{number}")
    @router.delete("/{name}")
    async def change(number: int = 0, name: str = "") -> int:
        return number

    app.include_router(router)

    @app.post("/things/{kind}")
    async def add(kind: str) -> str:
        return kind

    @app.get("/own")
    async def own():
        return PlainTextResponse("no", status_code=405, headers={"allow": "BREW"})

    return app


@pytest.mark.parametrize("guards", [[], [TransportGuard()]], ids=["alone", "guarded"])
async def test_every_method_of_the_path_is_named(guards):
    async with client(SecurityMiddleware(application(), guards=guards)) as http:
        for method in ("PATCH", "TRACE"):
            answer = await http.request(method, "/things/1")
            assert (answer.status_code, answer.headers.get_list("allow")) == (
                405,
                ["DELETE, GET, POST, PUT"],
            )
        assert (await http.patch("/things")).status_code == 404
        assert (await http.patch("/missing")).headers.get("allow") is None
        assert (await http.get("/own")).headers["allow"] == "BREW"


async def test_starlette_and_routes_that_were_added_later():
    app = Starlette(routes=[Route("/", page), Mount("/below", routes=[Route("/", page)])])
    secured = SecurityMiddleware(app, guards=[])
    assert (await ask(secured, make_scope("PUT"))).headers[b"allow"] == b"GET, HEAD"
    app.add_route("/", page, methods=["POST"])
    assert (await ask(secured, make_scope("PUT"))).headers[b"allow"] == b"GET, HEAD, POST"
    app.add_route("/new", page)
    assert (await ask(secured, make_scope("GET", "/new"))).body == b"page"


async def test_behind_a_mount_and_behind_mounts_in_it():
    async def own(request):
        return PlainTextResponse("no", status_code=405, headers={"allow": "BREW"})

    inner = Starlette(
        routes=[Route("/{kind}", page), Route("/{name}", page, methods=["PUT"]), Route("/", own)]
    )
    outer = Starlette(routes=[Mount("/in/{shop}", inner), Route("/in/{a}/{b}", page)])
    secured = SecurityMiddleware(Starlette(routes=[Mount("/out", outer)]), guards=[])
    answer = await ask(secured, make_scope("POST", "/out/in/tea/green"))
    assert (answer.status, answer.headers[b"allow"]) == (405, b"GET, HEAD, PUT")
    assert (await ask(secured, make_scope("GET", "/out/in/tea/green"))).body == b"page"
    assert (await ask(secured, make_scope("GET", "/out/in/tea/"))).headers[b"allow"] == b"BREW"
    assert (await ask(secured, make_scope("POST", "/out/missing"))).status == 404


async def test_a_path_without_routes_names_the_methods_of_the_application():
    secured = SecurityMiddleware(Starlette(), guards=[TransportGuard()])
    answer = await ask(secured, make_scope("TRACE", "/missing"))
    assert answer.headers[b"allow"].startswith(b"DELETE, GET")


async def test_sockets_that_nobody_serves():
    secured = SecurityMiddleware(Starlette(routes=[Route("/", page)]), guards=[])
    assert (await connect(secured, websocket_scope("/"))).messages[0]["type"] == "websocket.close"
