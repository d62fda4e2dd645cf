"""Requests that are handed in before the browser leaves (RFC 9126)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.oauth.fake import CLIENT, ISSUER
from tests.oauth.flow import Journey
from zenith.oauth import ProviderError


@pytest.fixture
def journey():
    journey = Journey()
    journey.provider.metadata = {"pushed_authorization_request_endpoint": f"{ISSUER}/pushed"}
    return journey


async def test_the_browser_carries_a_reference_only(journey):
    url = await journey.leave()
    ((reference, form),) = journey.provider.pushed.items()
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert query == {"client_id": [CLIENT], "request_uri": [reference]}
    assert {"state", "nonce", "code_challenge", "redirect_uri", "scope"} <= form.keys()
    sent = journey.provider.requests[-1]
    assert sent.headers["authorization"].startswith("Basic ")


async def test_who_comes_back_is_known(journey):
    assert (await journey.travel()).identity.subject == "s1"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "invalid_request"}),
        httpx.Response(503, json={}),
        httpx.Response(201, json={}),
        httpx.Response(201, json={"request_uri": 7}),
        httpx.Response(201, json={"request_uri": ""}),
        httpx.Response(201, json={"request_uri": "u" * 2049}),
        httpx.Response(201, text="request_uri=u"),
    ],
)
async def test_nothing_is_sent_in_the_open_instead(journey, answer):
    journey.provider.answers = {"/pushed": answer}
    with pytest.raises(ProviderError):
        await journey.leave()
