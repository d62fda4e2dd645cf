"""Attack: a public server that answers with a redirect to the inside, or to a place where it
collects the caller's credentials (ASVS 1.3.6, 15.3.2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.outbound.servers import Names, inside, reply, running
from zenith.outbound import AddressRefusedError, OutboundClient, RedirectRefusedError

VECTORS = Path(__file__).parent.parent / "vectors" / "ssrf.json"
LOCATIONS = [*json.loads(VECTORS.read_text())["locations"], f"http://{'a' * 9000}.example.com/"]


@pytest.mark.parametrize("status", ["301 a", "302 a", "303 a", "307 a", "308 a"])
async def test_no_redirect_leads_inside(status):
    names = Names(api_example_com=[["127.0.0.1"]])
    async with running() as site, running(host="127.0.0.2", port=site.port) as secret:
        settings = inside(site.port, 80, max_redirects=5)
        async with OutboundClient(settings, resolver=names) as client:
            for location in LOCATIONS:
                given = location.replace("{}", str(site.port)).encode().decode("latin-1")
                site.answer = reply(status=status, Location=given)
                before = len(site.calls)
                try:
                    answer = await client.get(f"http://api.example.com:{site.port}/")
                except RedirectRefusedError:
                    assert len(site.calls) == before + 1, location
                else:
                    pytest.fail(f"{location}: {answer}")
        assert secret.connections == 0


async def test_a_redirect_to_a_name_of_the_inside():
    names = Names(api_example_com=[["127.0.0.1"]], evil_example_com=[["127.0.0.2"]])
    async with running() as site, running(host="127.0.0.2", port=site.port) as secret:
        site.answer = reply(status="302 a", Location=f"http://evil.example.com:{site.port}/")
        settings = inside(site.port, max_redirects=5)
        async with OutboundClient(settings, resolver=names) as client:
            with pytest.raises(AddressRefusedError):
                await client.get(f"http://api.example.com:{site.port}/")
        assert secret.connections == 0


async def test_a_redirect_off_the_list_of_hosts():
    names = Names(api_example_com=[["127.0.0.1"]], other_example_com=[["127.0.0.1"]])
    async with running() as site:
        site.answer = reply(status="302 a", Location=f"http://other.example.com:{site.port}/")
        settings = inside(site.port, max_redirects=5, allowed_hosts=("api.example.com",))
        async with OutboundClient(settings, resolver=names) as client:
            with pytest.raises(RedirectRefusedError, match="could not be asked"):
                await client.get(f"http://api.example.com:{site.port}/")
        assert len(site.calls) == 1
