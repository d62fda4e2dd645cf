from __future__ import annotations

import gzip

import httpx
import pytest

from tests.outbound.servers import Names, inside, reply, running
from zenith.outbound import (
    AddressRefusedError,
    AnswerTooLargeError,
    CallRefusedError,
    MalformedAnswerError,
    OutboundTransport,
)

HERE = Names(api_example_com=[["127.0.0.1"]], inside_example_com=[["127.0.0.1", "10.0.0.1"]])


def client(site, **settings):
    transport = OutboundTransport(inside(site.port, **settings), resolver=HERE)
    return httpx.AsyncClient(transport=transport)


async def test_a_client_of_ones_own_is_fenced():
    packed = reply(gzip.compress(b"ok"), Content_Encoding="gzip")
    async with running(packed) as site, client(site) as outbound:
        answer = await outbound.get(f"http://api.example.com:{site.port}/")
        assert (answer.status_code, answer.text) == (200, "ok")
        with pytest.raises(AddressRefusedError):
            await outbound.get(f"http://inside.example.com:{site.port}/")
        with pytest.raises(CallRefusedError):
            await outbound.get(f"http://10.0.0.1:{site.port}/")
        with pytest.raises(CallRefusedError):
            await outbound.get(f"http://ada:secret@api.example.com:{site.port}/")
    assert site.calls[0].headers["accept-encoding"] == "gzip"


async def test_redirects_that_the_client_follows_are_judged():
    async with running() as site, client(site) as outbound:
        site.answer = reply(status="302 Found", Location=f"http://127.0.0.2:{site.port}/")
        with pytest.raises(CallRefusedError):
            await outbound.get(f"http://api.example.com:{site.port}/", follow_redirects=True)


async def test_what_would_replace_the_judged_is_not_handed_on():
    async with running() as site, client(site) as outbound:
        url = f"http://api.example.com:{site.port}/a"
        with pytest.raises(CallRefusedError):
            await outbound.get(url, headers={"Host": "inside.example.com"})
        await outbound.get(url, extensions={"target": b"http://inside/", "sni_hostname": "inside"})
    assert [call.target for call in site.calls] == ["/a"]


async def test_bodies_are_bounded():
    async with running(reply(b"a" * 101)) as site, client(site, max_answer_bytes=100) as outbound:
        with pytest.raises(AnswerTooLargeError):
            await outbound.get(f"http://api.example.com:{site.port}/")
        site.answer = reply(b"a", Content_Encoding="br")
        with pytest.raises(MalformedAnswerError):
            await outbound.get(f"http://api.example.com:{site.port}/")
        site.answer = reply(b"fine")
        assert (await outbound.get(f"http://api.example.com:{site.port}/")).content == b"fine"


async def test_shorter_times_of_the_client_hold():
    transport = OutboundTransport(inside(connect_timeout=1.0, read_timeout=2.0))
    url = "http://api.example.com/"
    given = httpx.Request("GET", url, extensions={"timeout": {"connect": 0.5, "read": None}})
    assert transport._timeouts(given) == {"connect": 0.5, "read": 2.0, "write": 2.0, "pool": 30.0}
    given = httpx.Request("GET", url, extensions={"timeout": {"connect": 9.0}})
    assert transport._timeouts(given)["connect"] == 1.0
