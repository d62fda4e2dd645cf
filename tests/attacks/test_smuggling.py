"""The attack: one request that the proxy and the application cut in two at different places, so
that the second half, written by the attacker, is answered as somebody else's (ASVS 4.2.1).

Servers refuse most of these themselves; whatever a server lets through must be refused here.
"""

from __future__ import annotations

import pytest

from tests.pipeline.asgi import ask, hello, make_scope
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard

APP = SecurityMiddleware(hello, guards=[TransportGuard()])


async def status(*headers, version="1.1", method="POST"):
    scope = make_scope(method, headers=headers, http_version=version)
    return (await ask(APP, scope, b"x")).status


async def test_the_honest_requests_pass():
    assert await status(("content-length", "1")) == 200
    assert await status(("transfer-encoding", "chunked")) == 200
    assert await status() == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("content-length", "1"), ("transfer-encoding", "chunked")], id="CL.TE"),
        pytest.param([("transfer-encoding", "chunked"), ("content-length", "1")], id="TE.CL"),
        pytest.param([("content-length", "1"), ("content-length", "2")], id="CL.CL"),
        pytest.param([("content-length", "1"), ("content-length", "1")], id="CL.CL same"),
        pytest.param([("content-length", "1, 1")], id="CL list"),
        pytest.param([("content-length", "+1")], id="CL sign"),
        pytest.param([("content-length", "1_0")], id="CL underscore"),
        pytest.param([("content-length", "0x1")], id="CL hex"),
        pytest.param([("content-length", "1\x0b")], id="CL vertical tab"),
        pytest.param([("content-length", "\xb9")], id="CL superscript"),
        pytest.param([("transfer-encoding", "xchunked")], id="TE unknown"),
        pytest.param([("transfer-encoding", "chunked, identity")], id="TE list"),
        pytest.param([("transfer-encoding", " chunked")], id="TE space"),
        pytest.param([("transfer-encoding", "\x0bchunked")], id="TE vertical tab"),
        pytest.param(
            [("transfer-encoding", "chunked"), ("transfer-encoding", "identity")], id="TE.TE"
        ),
        pytest.param([("transfer-encoding\t", "chunked")], id="TE name with tab"),
        pytest.param([("transfer-encoding ", "chunked")], id="TE name with space"),
        pytest.param([("x: y\r\ntransfer-encoding", "chunked")], id="TE in a name"),
        pytest.param([("x", "y\r\ntransfer-encoding: chunked")], id="TE in a value"),
        pytest.param([("x", "y\r\n z")], id="folded line"),
        pytest.param([("x", "y\nz")], id="bare line feed"),
    ],
)
async def test_requests_that_end_in_two_places(headers):
    assert await status(*headers) == 400
    assert await status(*headers, method="GET") == 400


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(
    "header",
    [
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "h2c"),
    ],
)
async def test_connection_headers_carried_over_http_2(version, header):
    """H2.TE: a proxy that writes it down as HTTP/1.1 would write these too (ASVS 4.2.3)."""
    assert await status(header, version=version) == 400


async def test_a_body_larger_than_announced():
    """The counter does not believe the announcement."""
    scope = make_scope("POST", headers=[("content-length", "1")])
    assert (await ask(APP, scope, *([b"x" * 600_000] * 2))).status == 413


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PRI", "GET / HTTP/1.1\r\nX:"])
async def test_methods_that_reach_through_proxies(method):
    assert await status(method=method) == 405


@pytest.mark.parametrize(
    "name", ["host", "authorization", "content-type", "origin", "x-csrf-token", "x-api-key"]
)
async def test_headers_of_which_two_readers_take_different_ones(name):
    value = "localhost" if name == "host" else "x"
    assert await status((name, value), (name, value)) == 400
