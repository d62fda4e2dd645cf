from __future__ import annotations

import asyncio
import gzip
import logging
import secrets
import traceback

import pytest

from tests.outbound.servers import Names, inside, reply, running
from zenith.outbound import (
    AddressRefusedError,
    AnswerTooLargeError,
    CallRefusedError,
    MalformedAnswerError,
    OutboundClient,
    OutboundError,
    OutboundSettings,
    OutboundTimeoutError,
    UnreachableError,
)

HERE = Names(api_example_com=[["127.0.0.1"]])


def client(site, **settings):
    return OutboundClient(inside(site.port, **settings), resolver=HERE)


def url(site, path="/"):
    return f"http://api.example.com:{site.port}{path}"


async def test_an_answer_is_read_to_its_end():
    document = reply(b'{"a": [1]}', Content_Type="application/json")
    async with running(document) as site, client(site) as outbound:
        answer = await outbound.get(url(site, "/x?a=1#f"), params={"b": "2 3"})
    assert (answer.status, answer.content, answer.text) == (200, b'{"a": [1]}', '{"a": [1]}')
    assert answer.is_success
    assert answer.json() == {"a": [1]}
    assert answer.headers["CONTENT-type"] == "application/json"
    assert site.calls[0].target == "/x?a=1&b=2+3"
    assert "example" not in repr(answer)
    assert "application" not in repr(answer)


async def test_what_is_sent():
    async with running() as site, client(site) as outbound:
        await outbound.post(url(site), data={"a": "1&2"}, headers={"X-Key": "k", "ACCEPT": "a/b"})
        await outbound.post(url(site), json={"a": 1})
        await outbound.post(url(site), content=b"\0\1")
        await outbound.request("DELETE", url(site))
    form, document, raw, bare = site.calls
    assert form.headers == {
        "host": f"api.example.com:{site.port}",
        "accept": "a/b",
        "accept-encoding": "gzip",
        "user-agent": "zenith",
        "x-key": "k",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "7",
    }
    assert form.body == b"a=1%262"
    assert (document.headers["content-type"], document.body) == ("application/json", b'{"a":1}')
    assert raw.body == b"\0\1"
    assert (bare.method, bare.headers["accept"]) == ("DELETE", "*/*")


async def test_a_connection_is_used_again_and_closed():
    async with running() as site:
        outbound = client(site)
        for _ in range(3):
            await outbound.get(url(site))
        assert site.connections == 1
        await outbound.aclose()
        await outbound.aclose()
        await outbound.get(url(site))
        assert site.connections == 2
        await outbound.aclose()


async def test_other_statuses_are_answers():
    later = reply(b"gone", status="503 Later", Location="/x")
    async with running(later) as site, client(site, max_redirects=2) as outbound:
        answer = await outbound.get(url(site))
    assert (answer.status, answer.content, answer.is_success) == (503, b"gone", False)


async def test_head_has_no_body():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n"
    async with running(head) as site, client(site) as outbound:
        answer = await outbound.head(url(site))
    assert (answer.status, answer.content) == (200, b"")


async def test_no_cookie_is_kept():
    async with running(reply(Set_Cookie="a=b; Path=/")) as site, client(site) as outbound:
        answer = await outbound.get(url(site))
        await outbound.get(url(site))
    assert answer.headers["set-cookie"] == "a=b; Path=/"
    assert "cookie" not in site.calls[1].headers


async def test_nothing_of_the_environment_is_taken(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example.com login ada password secret\n")
    netrc.chmod(0o600)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with running() as site, client(site) as outbound:
        assert (await outbound.get(url(site))).status == 200
    assert "authorization" not in site.calls[0].headers
    assert not (tmp_path / "keys").exists()


async def test_packed_answers_are_unpacked_once():
    packed = reply(gzip.compress(b"abc" * 1000), Content_Encoding="gzip")
    async with running(packed) as site, client(site) as outbound:
        answer = await outbound.get(url(site))
    assert answer.content == b"abc" * 1000
    assert "content-encoding" not in answer.headers
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (reply(b"a" * 1001), AnswerTooLargeError),
        (reply(gzip.compress(b"a" * 1001), Content_Encoding="gzip"), AnswerTooLargeError),
        (reply(b"x", Content_Encoding="gzip"), MalformedAnswerError),
        (reply(b"x", Content_Encoding="br"), MalformedAnswerError),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", MalformedAnswerError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            MalformedAnswerError,
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 40_000 + b"\r\n", MalformedAnswerError),
    ],
)
async def test_answers_that_are_none(sent, error):
    async with running(sent) as site, client(site, max_answer_bytes=1000) as outbound:
        with pytest.raises(error):
            await outbound.get(url(site))


async def test_the_limit_itself_may_come():
    large = reply(b"a" * 1000)
    async with running(large) as site, client(site, max_answer_bytes=1000) as outbound:
        assert len((await outbound.get(url(site))).content) == 1000


async def drip(call, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\na\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(call, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
        await writer.drain()


async def interim(call, writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.005)


async def silent(call, writer):
    await asyncio.sleep(60)


async def cut(call, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    writer.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (drip, OutboundTimeoutError),
        (interim, OutboundTimeoutError),
        (silent, OutboundTimeoutError),
        (flood, AnswerTooLargeError),
        (cut, MalformedAnswerError),
    ],
)
async def test_servers_that_never_end(answer, error):
    limits = {"read_timeout": 0.1, "total_timeout": 0.25, "max_answer_bytes": 100_000}
    async with running(answer) as site, client(site, **limits) as outbound:
        with pytest.raises(error):
            await asyncio.wait_for(outbound.get(url(site)), 5)


async def test_calls_beyond_the_limit_wait_within_their_time():
    busy = most = 0

    async def count(call, writer):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        writer.write(reply())

    async with running(count) as site, client(site, max_concurrent=3) as outbound:
        answers = await asyncio.gather(*(outbound.get(url(site)) for _ in range(12)))
    assert most == 3
    assert all(answer.status == 200 for answer in answers)
    async with running(silent) as site:
        limits = {"max_concurrent": 1, "total_timeout": 0.1}
        async with client(site, **limits) as outbound:
            calls = (outbound.get(url(site)) for _ in range(3))
            results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, OutboundTimeoutError) for result in results)


async def test_a_call_that_is_given_up_frees_its_place():
    async with running(silent) as site, client(site, max_concurrent=1) as outbound:
        for _ in range(3):
            task = asyncio.create_task(outbound.get(url(site)))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        site.answer = reply(b"ok")
        assert (await outbound.get(url(site))).content == b"ok"


async def test_no_such_name_and_no_such_server():
    async with running() as site, client(site) as outbound:
        with pytest.raises(UnreachableError) as caught:
            await outbound.get(f"http://other.example.com:{site.port}/")
        assert caught.value.reason == "other.example.com has no address"
        port = site.port
    async with OutboundClient(inside(port), resolver=HERE) as outbound:
        with pytest.raises(UnreachableError) as caught:
            await outbound.get(f"http://api.example.com:{port}/")
        assert caught.value.reason == f"no connection to api.example.com, port {port}"


async def test_a_resolver_that_fails_or_hangs():
    async def fails(host):
        raise OSError("no network")

    async def hangs(host):
        await asyncio.sleep(60)

    async def babbles(host):
        return ["example.org"]

    async def shouts(host):
        return ["1.1.1.1"] * 65

    expected = [
        (fails, UnreachableError),
        (hangs, OutboundTimeoutError),
        (babbles, AddressRefusedError),
        (shouts, AddressRefusedError),
    ]
    for resolver, error in expected:
        settings = inside(80, connect_timeout=0.05)
        async with OutboundClient(settings, resolver=resolver) as outbound:
            with pytest.raises(error):
                await outbound.get("http://api.example.com/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "other.example.com"},
        {"hOST": "other.example.com"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
        {"Proxy-Authorization": "Basic a"},
        {"X-A": "a\r\nX-B: c"},
        {"X-A\r\nX-B": "c"},
        {"X A": "c"},
        {"": "c"},
        {"X-A": "é"},
        {"X-A": "\0"},
    ],
)
async def test_headers_that_lead_elsewhere(headers):
    async with running() as site, client(site) as outbound:
        with pytest.raises(CallRefusedError):
            await outbound.get(url(site), headers=headers)
    assert site.connections == 0


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /\r\n", ""])
async def test_methods_that_are_not_called(method):
    async with running() as site, client(site) as outbound:
        with pytest.raises(CallRefusedError):
            await outbound.request(method, url(site))


async def test_one_body_at_most():
    async with OutboundClient() as outbound:
        with pytest.raises(TypeError):
            await outbound.post("https://example.com/", content=b"a", json={})


@pytest.mark.parametrize("body", [{"data": {"a": "\ud800"}}, {"json": float("nan")}])
async def test_bodies_that_cannot_be_written(body):
    async with OutboundClient() as outbound:
        with pytest.raises(CallRefusedError):
            await outbound.post("https://example.com/", **body)


async def test_errors_tell_nothing_of_the_other_end(caplog):
    caplog.set_level(logging.INFO)
    body, token = secrets.token_hex(), secrets.token_hex()
    async with running(body.encode() + b"\r\n\r\n") as site, client(site) as outbound:
        with pytest.raises(OutboundError) as caught:
            await outbound.get(url(site, f"/?token={token}"))
    error = caught.value
    told = f"{error} {error.detail} {error.reason} {error!r} {caplog.text}"
    told += "".join(traceback.format_exception(error))
    assert body not in told
    assert token not in told
    assert body[:8] not in told


async def test_failures_look_alike_to_the_client():
    async with running(silent) as site:
        names = Names(
            inside_example_com=[["10.0.0.1"]],
            dead_example_com=[["127.0.0.1"]],
        )
        settings = inside(site.port, 1, total_timeout=0.1)
        async with OutboundClient(settings, resolver=names) as outbound:
            seen = set()
            for target in (
                f"http://inside.example.com:{site.port}/",
                f"http://none.example.com:{site.port}/",
                f"http://dead.example.com:{site.port}/",
                "http://dead.example.com:1/",
            ):
                with pytest.raises(OutboundError) as caught:
                    await outbound.get(target)
                error = caught.value
                seen.add((error.status, error.code, error.detail, error.title))
    assert len(seen) == 1


async def test_the_usual_settings_refuse_http():
    async with OutboundClient() as outbound:
        with pytest.raises(CallRefusedError, match="not called"):
            await outbound.get("http://example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/\\a",
        "http://api.example.com/a b",
        "http://ada@api.example.com/",
        "http://api.example.com/" + "a" * 9000,
        "http://ⓛⓞⓒⓐⓛ.example.com/",
        "",
    ],
)
async def test_text_that_is_no_plain_url(url):
    async with OutboundClient(inside(), resolver=HERE) as outbound:
        with pytest.raises(CallRefusedError):
            await outbound.get(url)


async def test_only_hosts_that_are_listed():
    async with running() as site:
        settings = inside(site.port, allowed_hosts=("api.example.com", "db"))
        names = Names(api_example_com=[["127.0.0.1"]], db=[["127.0.0.1"]])
        async with OutboundClient(settings, resolver=names) as outbound:
            assert (await outbound.get(url(site))).status == 200
            assert (await outbound.get(f"http://db:{site.port}/")).status == 200
            with pytest.raises(CallRefusedError):
                await outbound.get(f"http://other.example.com:{site.port}/")


async def test_text_and_json_of_what_is_neither():
    async with running(reply(b"\xff")) as site, client(site) as outbound:
        answer = await outbound.get(url(site))
        assert answer.text == "\ufffd"
        for body in (b"\xff", b"{", b"[" * 100_000, b"[NaN]", b"[" + b"9" * 5000 + b"]"):
            site.answer = reply(body)
            answer = await outbound.get(url(site))
            with pytest.raises(MalformedAnswerError):
                answer.json()


def test_settings_are_the_safe_ones_if_none_are_given():
    assert OutboundClient()._settings == OutboundSettings()
