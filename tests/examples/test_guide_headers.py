"""The guides' three sets of security headers and their content security policies."""

from __future__ import annotations

import httpx
import pytest

from examples.guide.app import create_app
from tests.examples.conftest import ORIGIN
from zenith.headers import ContentSecurityPolicy, HeadersSettings
from zenith.kernel.errors import ConfigurationError


def directives(header: str) -> dict[str, list[str]]:
    pairs = (part.split() for part in header.split(";"))
    return {name: values for name, *values in pairs}


async def test_every_answer_carries_the_headers(guide):
    """Middlewares of the guide run inside the framework's error handling: its own 500 page, and a
    refusal by an outer middleware, go without."""
    answers = [
        await guide.client.get("/"),
        await guide.client.get("/no-such-page"),
        await guide.client.post("/api/sensitive-action"),
        await guide.client.get("/", headers={"Host": "evil.example"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 403, 421]
    for answer in answers:
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert answer.headers["x-permitted-cross-domain-policies"] == "none"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" in answer.headers


async def test_the_policy_is_the_guides_without_foreign_images(guide):
    """`img-src https:` of both policies lets an injected image carry data to any server."""
    sent = directives((await guide.client.get("/")).headers["content-security-policy"])
    assert sent["img-src"] == ["'self'", "data:"]
    assert sent["script-src"] == sent["style-src"] == sent["default-src"] == ["'self'"]
    assert sent["object-src"] == sent["frame-ancestors"] == ["'none'"]
    assert "upgrade-insecure-requests" in sent
    # The guide sends the name alone where no address is set, which reports to nobody.
    assert "report-uri" not in sent


def test_the_first_policy_of_the_guide_is_refused():
    """It allows inline scripts and a host where anybody publishes: it stops no injection."""
    text = "default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net"
    with pytest.raises(ConfigurationError, match="allow_inline_scripts"):
        ContentSecurityPolicy.parse(text)
    with pytest.raises(ConfigurationError, match="allow_scripts_from_public_hosts"):
        ContentSecurityPolicy.parse(text, allow_inline_scripts=True)


async def test_headers_that_browsers_dropped_are_not_sent(guide_environment):
    """Expect-CT means nothing any more; X-XSS-Protection: 1 opened holes of its own."""
    app = create_app()

    @app.middleware("http")
    async def relics(request, call_next):
        response = await call_next(request)
        response.headers["X-XSS-Protection"] = "1; mode=block"
        response.headers["Expect-CT"] = "max-age=86400, enforce"
        return response

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.get("/")
    await app.middleware_stack.stop()
    assert answer.status_code == 200
    assert not {"x-xss-protection", "expect-ct", "server"} & set(answer.headers)


async def test_powerful_features_are_denied(guide):
    """The guide's eight, and those that came since."""
    denied = (await guide.client.get("/")).headers["permissions-policy"]
    guides = "accelerometer camera geolocation gyroscope magnetometer microphone payment usb"
    assert all(f"{feature}=()" in denied for feature in guides.split())


async def test_hsts_lasts_two_years_and_preload_is_asked_for_by_name(guide):
    """The guide sends `preload` for a domain that it does not know, and over http as well, where
    browsers must ignore the header."""
    secure = await guide.client.get("/")
    assert secure.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    with pytest.raises(ConfigurationError, match="hsts_preload"):
        HeadersSettings(hsts_preload=True, hsts_max_age=86_400, allow_short_hsts=True)
