"""The nonce, for templates and handlers."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from jinja2 import Environment
from starlette.requests import Request

from tests.pipeline.asgi import client
from zenith.headers import CspNonce, SecurityHeadersMiddleware, csp_nonce
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import exchange_of


async def test_each_way_gives_the_nonce_of_this_answer():
    app, templates = FastAPI(), Environment(autoescape=True)
    templates.globals["csp_nonce"] = csp_nonce

    @app.get("/")
    async def page(request: Request, nonce: CspNonce):
        shown = templates.from_string("{{ csp_nonce() }}").render()
        return [nonce, shown, csp_nonce(request), csp_nonce(exchange_of(request.scope))]

    @app.get("/thread")
    def threaded():
        return [templates.from_string("{{ csp_nonce() }}").render()]

    seen = set()
    async with client(SecurityHeadersMiddleware(app), "https://app.example.org") as browser:
        for path in ("/", "/", "/thread"):
            answer = await browser.get(path)
            (nonce,) = set(answer.json())
            assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
            seen.add(nonce)
    assert len(seen) == 3


def test_outside_of_a_request_there_is_none():
    with pytest.raises(ConfigurationError):
        csp_nonce()
