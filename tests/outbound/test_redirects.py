from __future__ import annotations

import httpx
import pytest

from tests.outbound.servers import Authority, Names, inside, reply, running
from zenith.outbound import OutboundClient, OutboundSettings, RedirectRefusedError
from zenith.outbound.destinations import Destinations
from zenith.outbound.redirects import follow

HERE = Names(api_example_com=[["127.0.0.1"]], other_example_com=[["127.0.0.1"]])
CREDENTIALS = {"Authorization": "Bearer a", "Cookie": "b=c", "X-Api-Key": "d", "Accept": "e/f"}


def client(*sites, **settings):
    given = {"max_redirects": 3} | settings
    return OutboundClient(inside(*(site.port for site in sites), **given), resolver=HERE)


def leading(location, status="302 Found"):
    """A server that leads from anywhere but `/end` to `location`."""

    async def answer(call, writer):
        if call.target == "/end":
            writer.write(reply(b"end"))
        else:
            writer.write(reply(b"", status=status, Location=location))

    return answer


async def test_a_redirect_is_the_answer_unless_asked_for():
    async with running(leading("/end")) as site, client(site, max_redirects=0) as outbound:
        answer = await outbound.get(f"http://api.example.com:{site.port}/a")
    assert (answer.status, answer.headers["location"]) == (302, "/end")
    assert len(site.calls) == 1


async def test_a_redirect_on_the_same_origin_keeps_the_headers():
    async with running(leading("end")) as site, client(site) as outbound:
        answer = await outbound.get(f"http://api.example.com:{site.port}/a", headers=CREDENTIALS)
    assert answer.content == b"end"
    assert answer.url == f"http://api.example.com:{site.port}/end"
    first, last = site.calls
    assert first.headers == last.headers
    assert last.headers["authorization"] == "Bearer a"


@pytest.mark.parametrize("other", ["host", "port"])
async def test_another_origin_is_told_nothing(other):
    async with running(leading("/end")) as site, running(reply(b"end")) as elsewhere:
        host, port = ("other", site.port) if other == "host" else ("api", elsewhere.port)
        site.answer = leading(f"http://{host}.example.com:{port}/end")
        async with client(site, elsewhere) as outbound:
            url = f"http://api.example.com:{site.port}/a"
            assert (await outbound.get(url, headers=CREDENTIALS)).content == b"end"
    last = (elsewhere if other == "port" else site).calls[-1]
    assert set(last.headers) == {"host", "accept", "accept-encoding", "user-agent"}
    assert last.headers["accept"] == "e/f"
    assert last.headers["host"] == f"{host}.example.com:{port}"


async def test_credentials_do_not_come_back():
    async with running(b"") as site:

        async def answer(call, writer):
            at_home = call.headers["host"].startswith("api")
            if call.target == "/end":
                writer.write(reply(b"end"))
            else:
                target = "other.example.com:{}/b" if at_home else "api.example.com:{}/end"
                location = "http://" + target.format(site.port)
                writer.write(reply(status="307 Again", Location=location))

        site.answer = answer
        async with client(site) as outbound:
            await outbound.get(f"http://api.example.com:{site.port}/a", headers=CREDENTIALS)
    assert [call.target for call in site.calls] == ["/a", "/b", "/end"]
    assert "authorization" in site.calls[0].headers
    assert not any("authorization" in call.headers for call in site.calls[1:])


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps"),
    [
        ("301 Moved", "POST", "GET", False),
        ("302 Found", "PUT", "GET", False),
        ("303 See", "POST", "GET", False),
        ("307 Again", "POST", "POST", True),
        ("308 Moved", "PUT", "PUT", True),
    ],
)
async def test_what_becomes_of_the_body(status, method, then, keeps):
    async with running(leading("/end", status)) as site, client(site) as outbound:
        url = f"http://api.example.com:{site.port}/a"
        await outbound.request(method, url, data={"secret": "s"})
    last = site.calls[-1]
    assert last.method == then
    assert last.body == (b"secret=s" if keeps else b"")
    assert ("content-type" in last.headers) is keeps


async def test_head_stays_head():
    async with running(leading("/end")) as site, client(site) as outbound:
        site.answer = b"HTTP/1.1 303 See\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
        with pytest.raises(RedirectRefusedError):
            await outbound.head(f"http://api.example.com:{site.port}/a")
    assert {call.method for call in site.calls} == {"HEAD"}


async def test_a_body_is_handed_to_no_other_origin():
    async with running(b"") as site:
        site.answer = leading(f"http://other.example.com:{site.port}/end", "307 Again")
        async with client(site) as outbound:
            with pytest.raises(RedirectRefusedError) as caught:
                await outbound.post(f"http://api.example.com:{site.port}/a", data={"secret": "s"})
    assert "body" in caught.value.reason
    assert len(site.calls) == 1


@pytest.mark.parametrize(("hops", "most", "arrives"), [(3, 3, True), (4, 3, False), (99, 2, False)])
async def test_redirects_are_counted(hops, most, arrives):
    async def answer(call, writer):
        number = int(call.target[1:])
        more = {"status": "302 Found", "Location": f"/{number + 1}"}
        writer.write(reply(b"end") if number == hops else reply(**more))

    async with running(answer) as site, client(site, max_redirects=most) as outbound:
        url = f"http://api.example.com:{site.port}/0"
        if arrives:
            assert (await outbound.get(url)).content == b"end"
        else:
            with pytest.raises(RedirectRefusedError):
                await outbound.get(url)
    assert len(site.calls) == min(hops, most) + 1


async def test_from_https_to_http_no_redirect_leads(tmp_path):
    authority = Authority()
    context = authority.server_context(tmp_path, "api.example.com")
    async with running() as plain, running(tls=context) as site:
        site.answer = leading(f"http://api.example.com:{plain.port}/end")
        outbound = OutboundClient(
            inside(site.port, plain.port, max_redirects=3),
            resolver=HERE,
            tls=authority.client_context(),
        )
        async with outbound:
            with pytest.raises(RedirectRefusedError):
                await outbound.get(f"https://api.example.com:{site.port}/a")
    assert not plain.connections


def test_the_usual_port_is_the_same_origin():
    request = httpx.Request("GET", "https://example.com/a", headers={"x-key": "k"})
    destinations = Destinations(OutboundSettings())
    after = follow(request, 302, "https://EXAMPLE.com:443/b?c#d", destinations=destinations)
    assert after.headers["x-key"] == "k"
    assert after.headers["host"] == "example.com"
    assert after.url.raw_path == b"/b?c"


@pytest.mark.parametrize(
    "location",
    [
        *(
            "\\\\a.com",
            "///a.com/",
            "http://[::1",
            "https://10.0.0.1/",
            "https://a@b.com/",
            "/\x00",
        ),
        *("https://xn--a.com/", "//xn--zz99999999.com/"),
    ],
)
def test_what_no_redirect_may_lead_to(location):
    request = httpx.Request("GET", "https://example.com/a")
    with pytest.raises(RedirectRefusedError):
        follow(request, 302, location, destinations=Destinations(OutboundSettings()))
