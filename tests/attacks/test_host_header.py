"""The attack: a Host of the attacker's choice, to poison caches and links in mails, to slip past
rules for another host, or to read a local application from a web page (DNS rebinding)."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse

from tests.pipeline.asgi import ask, client, make_scope
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard, TransportSettings


def application(**settings):
    app = FastAPI()

    @app.get("/link")
    async def link(request: Request):
        return str(request.url_for("link"))

    @app.get("/go")
    async def go(request: Request):
        return RedirectResponse(request.url_for("link"))

    return SecurityMiddleware(app, guards=[TransportGuard(TransportSettings(**settings))])


OURS = {"allowed_hosts": ("shop.example", "*.shop.example")}


@pytest.mark.parametrize("path", ["/link", "/go", "/link/", "/missing"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "shop.example.evil.example",
        "evilshop.example",
        "shop.example.",
        "localhost",
        "127.0.0.1",
        "169.254.169.254",
    ],
)
async def test_foreign_names_get_nothing(host, path):
    async with client(application(**OURS)) as http:
        answer = await http.get(path, headers={"host": host})
    # A name with the root's dot is not even written as ours may be.
    assert answer.status_code == (400 if host.endswith(".") else 421)
    assert host not in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "shop.example:80@evil.example",
        "shop.example/evil.example",
        "shop.example#evil",
        "shop.example?x",
        "shop.example,evil.example",
        "evil.example\\shop.example",
        "shop.example:8000:9000",
        "shop.example:abc",
        "<script>.shop.example",
        "{{7*7}}.shop.example",
        " shop.example",
        "\tshop.example",
        "",
    ],
)
async def test_names_that_parsers_cut_differently(host):
    answer = await ask(application(**OURS), make_scope(path="/link", headers=[("host", host)]))
    assert answer.status == 400


async def test_two_hosts_are_none():
    headers = [("host", "shop.example"), ("host", "evil.example")]
    for pairs in (headers, headers[::-1]):
        answer = await ask(application(**OURS), make_scope(path="/link", headers=pairs))
        assert answer.status == 400


@pytest.mark.parametrize(
    "header", ["x-forwarded-host", "x-host", "x-original-host", "forwarded", "x-forwarded-server"]
)
@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1"])
async def test_headers_that_override_the_host_are_not_believed(header, peer):
    value = "host=evil.example" if header == "forwarded" else "evil.example"
    app = application(**OURS, trusted_proxies=("10.0.0.0/8",))
    scope = make_scope(
        path="/link", headers=[("host", "shop.example"), (header, value)], client=peer
    )
    answer = await ask(app, scope)
    assert (answer.status, answer.body) == (200, b'"http://shop.example/link"')


async def test_an_address_as_target_does_not_replace_the_host():
    scope = make_scope(path="http://evil.example/link", headers=[("host", "shop.example")])
    assert (await ask(application(**OURS), scope)).status == 400


async def test_rebinding_to_a_development_server():
    """A page of evil.example, whose name now resolves to 127.0.0.1, asks the local server."""
    async with client(application()) as http:
        assert (await http.get("/link", headers={"host": "evil.example"})).status_code == 421
        assert (await http.get("/link", headers={"host": "localhost:8000"})).status_code == 200


def test_a_wildcard_for_everything_has_another_name():
    with pytest.raises(ConfigurationError):
        TransportSettings(allowed_hosts=("*",))
