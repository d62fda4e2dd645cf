"""An API with documentation, and an authorization server of another origin, for the browser."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.openapi.models import OAuthFlowImplicit, OAuthFlows
from fastapi.security import OAuth2
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from zenith.api_docs import (
    PAGE_DIRECTIVES,
    PAGE_OPENER_POLICY,
    REDIRECT_OPENER_POLICY,
    docs_routes,
)
from zenith.authorization import public
from zenith.headers import ContentSecurityPolicy, SecurityHeadersMiddleware, response_headers

TOKEN = "token-of-the-fake-server"
ELSEWHERE = os.environ.get("AUTHORIZATION_SERVER", "http://127.0.0.1:9")
POLICY = ContentSecurityPolicy.from_directives(PAGE_DIRECTIVES)

api = FastAPI(docs_url=None, redoc_url=None, title="Bookshop </title><script>fail()</script>")
scheme = OAuth2(
    flows=OAuthFlows(
        implicit=OAuthFlowImplicit(authorizationUrl=f"{ELSEWHERE}/authorize", scopes={"read": ""})
    )
)


@api.get("/books")
@public
async def books(token: Annotated[str | None, Depends(scheme)]):
    return {"sent": token}


@api.get("/open")
@public
async def opened(shelf: int = 1):
    return {"answer": shelf * 42}


api.router.routes.extend(
    docs_routes(
        title=api.title,
        access=public,
        oauth={"clientId": "docs"},
        page_headers=response_headers(policy=POLICY, opener_policy=PAGE_OPENER_POLICY),
        redirect_headers=response_headers(policy=POLICY, opener_policy=REDIRECT_OPENER_POLICY),
    )
)
api.router.routes.extend(
    docs_routes(docs_url="/unmarked", title="Under the default policy", access=public)
)
app = SecurityHeadersMiddleware(api)


async def authorize(request):
    query = request.query_params
    back = f"{query['redirect_uri']}#access_token={TOKEN}&token_type=bearer&state={query['state']}"
    return RedirectResponse(back)


elsewhere = Starlette(routes=[Route("/authorize", authorize)])
