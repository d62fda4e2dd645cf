"""Zenith's parts on a plain Starlette application: HTTP, WebSocket and a mounted folder.

ZENITH_SECRET_KEY=... uvicorn examples.plain_starlette:protected
"""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from zenith import SecurityMiddleware, authenticated, public, require_role
from zenith.authentication import AuthenticationGuard, RevocationList
from zenith.authorization import AuthorizationGuard
from zenith.headers import HeadersGuard
from zenith.pipeline import exchange_of
from zenith.rbac import RoleSet
from zenith.stores.memory import MemoryRevocationStore
from zenith.tokens import BearerScheme, TokenManager
from zenith.transport import TransportGuard


@public
async def hello(request: Request) -> Response:
    return JSONResponse({"message": "Hello", "path": request.url.path})


@require_role("moderator")
async def reports(request: Request) -> Response:
    return JSONResponse({"reader": exchange_of(request.scope).principal.subject})


@authenticated
async def file(request: Request) -> Response:
    return JSONResponse({"file": request.path_params["name"]})


@authenticated
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/reports", reports),
        WebSocketRoute("/echo", echo),
        Mount("/files", routes=[Route("/{name}", file)]),
    ]
)

revocations = RevocationList(MemoryRevocationStore())
tokens = TokenManager(os.environ["ZENITH_SECRET_KEY"], revocations=revocations)
scheme = BearerScheme(tokens, revocations, grants=RoleSet().compile)
protected = SecurityMiddleware(
    app,
    guards=[
        HeadersGuard(),
        TransportGuard(),
        AuthenticationGuard([scheme]),
        AuthorizationGuard(),
    ],
)
