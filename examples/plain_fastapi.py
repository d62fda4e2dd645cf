"""Zenith's parts on a plain FastAPI application: bearer tokens, permissions, headers, limits.

ZENITH_SECRET_KEY=... uvicorn examples.plain_fastapi:protected
"""

import os
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI

from zenith import SecurityMiddleware, public, rate_limit, require_permission
from zenith.authentication import AuthenticationGuard, RevocationList
from zenith.authorization import AuthorizationGuard, SecuredRoute
from zenith.headers import HeadersGuard
from zenith.kernel.principal import Principal
from zenith.rate_limits import RateLimiter, RateLimitGuard
from zenith.stores.memory import MemoryRateLimitStore, MemoryRevocationStore
from zenith.tokens import BearerScheme, TokenManager
from zenith.transport import TransportGuard

app = FastAPI(openapi_url=None)
Writer = Annotated[Principal, Depends(require_permission("notes:write"))]
router = APIRouter(route_class=SecuredRoute)


@router.get("/")
@public
@rate_limit("30/minute")
async def hello() -> dict[str, str]:
    return {"message": "Hello"}


@router.post("/notes")
async def write_note(note: dict[str, str], writer: Writer) -> dict[str, str]:
    return {"writer": writer.subject, **note}


app.include_router(router)

revocations = RevocationList(MemoryRevocationStore())
tokens = TokenManager(os.environ["ZENITH_SECRET_KEY"], revocations=revocations)
protected = SecurityMiddleware(
    app,
    guards=[
        HeadersGuard(),
        TransportGuard(),
        RateLimitGuard(RateLimiter(MemoryRateLimitStore())),
        AuthenticationGuard([BearerScheme(tokens, revocations)]),
        AuthorizationGuard(),
    ],
)
