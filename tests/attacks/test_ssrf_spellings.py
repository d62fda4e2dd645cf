"""Attack: name an address of the inside in a way that the check reads otherwise than the resolver
(server-side request forgery; ASVS 1.3.6).

The name servers of these tests say of every name, numbers in odd spellings included, that it is at
127.0.0.1, where a server waits: a spelling that gets past the text gets there if the addresses are
not judged as well."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.outbound.servers import running
from zenith.outbound import (
    AddressRefusedError,
    CallRefusedError,
    OutboundClient,
    OutboundSettings,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "ssrf.json"
URLS = json.loads(VECTORS.read_text())["urls"]
"""Refused by their text: nobody is asked."""
TOO_LONG = ["http://" + "a." * 200 + "com/", "http://example.com/" + "a" * 9000]


async def everything_is_here(host):
    everything_is_here.asked.append(host)
    return ["127.0.0.1"]


@pytest.fixture
async def attempt():
    """Calls with `http` allowed and the waiting server's port too; afterwards nobody was there."""
    everything_is_here.asked = []
    async with running() as waiting:
        settings = OutboundSettings(allow_unencrypted=True, ports=(80, 443, waiting.port))
        async with OutboundClient(settings, resolver=everything_is_here) as client:

            async def call(url):
                return await client.get(url.replace("{}", str(waiting.port)))

            yield call
        assert waiting.connections == 0


async def test_no_spelling_leads_inside(attempt):
    assert len(set(URLS)) == len(URLS) >= 80
    passed = []
    for url in [*URLS, *TOO_LONG]:
        try:
            await attempt(url)
        except CallRefusedError:
            continue
        except AddressRefusedError:
            pass
        passed.append(url)
    assert passed == []
    assert everything_is_here.asked == []


NAMES = [
    "localtest.me",
    "127.0.0.1.nip.io",
    "spoofed.burpcollaborator.net",
    "www.example.com",
    "a_b.example.com",
    "xn--bcher-kva.example.com",
    "bücher.example.com",
    "例え.example.com",
    "EXAMPLE.com",
    "example。com",
]


async def test_no_name_leads_inside(attempt):
    for host in NAMES:
        with pytest.raises(AddressRefusedError) as caught:
            await attempt(f"http://{host}:{{}}/")
        assert "127.0.0.1" in caught.value.reason
        assert "127.0.0.1" not in f"{caught.value} {caught.value.detail}"
    assert len(everything_is_here.asked) == len(NAMES)


ANSWERS = [
    ["10.0.0.1"],
    ["1.1.1.1", "10.0.0.1"],
    ["10.0.0.1", "1.1.1.1"],
    ["2606:4700::1111", "1.1.1.1", "::1"],
    ["::ffff:127.0.0.1"],
    ["::ffff:1.1.1.1"],
    ["fe80::1%eth0"],
    ["64:ff9b::a9fe:a9fe"],
    ["169.254.169.254"],
    ["0.0.0.0"],
    ["::"],
    ["0x7f.1"],
    ["127.1"],
    ["localhost"],
    [""],
]


@pytest.mark.parametrize("answers", ANSWERS, ids=" ".join)
async def test_one_answer_that_is_not_public_refuses_them_all(answers):
    async def resolver(host):
        return answers

    async with OutboundClient(resolver=resolver) as client:
        with pytest.raises(AddressRefusedError):
            await client.get("https://example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "HTTPS://EXAMPLE.COM:443/a/../b?c=d@e#f",
        "https://example.com?a=http://127.0.0.1/",
        "https://example.com/@127.0.0.1",
        "https://example.com#@127.0.0.1:22/",
        "https://example.com:80/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]:443/",
        "https://bücher.example.com/ä",
    ],
)
async def test_what_is_public_gets_to_the_network(url, monkeypatch):
    """The other half: a fence that refuses everything would pass the tests above."""
    connected = []

    async def connect(self, host, port, *_):
        connected.append(ip_address(host))
        raise OSError("no network in here")

    async def resolver(host):
        return ["93.184.216.34"]

    async with OutboundClient(resolver=resolver) as client:
        sockets = type(client._transport._network._sockets)
        monkeypatch.setattr(sockets, "connect_tcp", connect)
        with pytest.raises(Exception, match="could not be asked"):
            await client.get(url)
    assert len(connected) == 1
