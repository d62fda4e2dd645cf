"""`GET /.well-known/jwks.json`: the public keys, for services that verify our tokens."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from zenith.authorization import public
from zenith.tokens.keyring import KeyRing

JWKS_PATH = "/.well-known/jwks.json"
MAX_AGE = 300
"""Seconds for which others may keep the set; rotations are planned longer ahead."""


def jwks_router(keyring: KeyRing) -> APIRouter:
    """A router that publishes the public keys of `keyring` (RFC 7517 section 8.5.1).

    A ring of symmetric keys publishes an empty set.
    """
    router = APIRouter()

    @router.get(JWKS_PATH, include_in_schema=False)
    @public
    async def jwks() -> JSONResponse:
        return JSONResponse(
            keyring.to_jwks(),
            headers={"Cache-Control": f"public, max-age={MAX_AGE}"},
            media_type="application/jwk-set+json",
        )

    return router
