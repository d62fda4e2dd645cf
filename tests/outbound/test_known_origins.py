"""Callers of the product's own: what the operator has set is called, what is learned is judged."""

from __future__ import annotations

import pytest

from tests.outbound.servers import Names, reply, running
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.outbound import (
    AddressRefusedError,
    CallRefusedError,
    OutboundClient,
    OutboundError,
    OutboundSettings,
    RedirectRefusedError,
    SharedClient,
    get_outbound,
)
from zenith.outbound.destinations import Destinations

PUBLIC = Names(public_example_com=[["93.184.216.34"]], sso_internal=[["127.0.0.1"]])


class Events:
    def __init__(self):
        self.seen = []

    def note(self, event):
        self.seen.append(event)


def test_an_exposed_origin_of_https_is_not_called_without():
    origin = "https://sso.internal:8443"
    destinations = Destinations(OutboundSettings(allow_unencrypted=True, exposed_origins=(origin,)))
    destinations.check_call("https", "sso.internal", 8443)
    destinations.check_call("http", "public.example.com", 80)
    with pytest.raises(CallRefusedError):
        destinations.check_call("http", "sso.internal", 8443)


async def test_an_exposed_origin_is_called_at_its_port_and_scheme_alone():
    async with running() as site, running() as other:
        settings = OutboundSettings(exposed_origins=(f"http://127.0.0.1:{site.port}",))
        async with OutboundClient(settings) as client:
            assert (await client.get(f"http://127.0.0.1:{site.port}/x")).status == 200
            for url in (
                f"http://127.0.0.1:{other.port}/",
                f"https://127.0.0.1:{other.port}/",
                "http://127.0.0.1/",
                f"http://localhost:{site.port}/",
            ):
                with pytest.raises(CallRefusedError):
                    await client.get(url)
    assert len(site.calls) == 1
    assert not other.calls


async def test_a_name_of_the_inside_may_be_exposed():
    async with running() as site:
        settings = OutboundSettings().knowing(f"http://sso.internal:{site.port}/discovery?x=1")
        async with OutboundClient(settings, resolver=PUBLIC) as client:
            assert (await client.get(f"http://sso.internal:{site.port}/")).status == 200
            with pytest.raises(CallRefusedError):
                await client.get("https://sso.internal/")


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal"])
async def test_metadata_services_stay_closed(host):
    settings = OutboundSettings(exposed_origins=(f"http://{host}",))
    async with OutboundClient(settings, resolver=PUBLIC) as client:
        with pytest.raises(OutboundError):
            await client.get(f"http://{host}/latest/")


async def test_an_exposed_name_does_not_lead_to_a_metadata_service():
    names = Names(sso_internal=[["169.254.169.254"]])
    settings = OutboundSettings(exposed_origins=("https://sso.internal",))
    async with OutboundClient(settings, resolver=names) as client:
        with pytest.raises(AddressRefusedError):
            await client.get("https://sso.internal/")


async def test_denied_networks_are_not_called_even_where_exposed():
    settings = OutboundSettings(
        denied_networks=("93.184.216.0/24", "127.0.0.0/8"), exposed_origins=("https://127.0.0.1",)
    )
    async with OutboundClient(settings, resolver=PUBLIC) as client:
        with pytest.raises(AddressRefusedError) as caught:
            await client.get("https://public.example.com/")
        assert "denied" in caught.value.reason
        with pytest.raises(CallRefusedError):
            await client.get("https://127.0.0.1/")


@pytest.mark.parametrize(
    "origin",
    [
        "sso.internal",
        "ftp://sso.internal",
        "https://sso.internal/path",
        "https://user@sso.internal",
        "https://*.sso.internal",
        "https://SSO.internal",
        "https://sso.internal:0",
        "https://sso.internal:65536",
        "https://127.1",
        "https://[::0001]",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused_by_name(origin):
    with pytest.raises(ConfigurationError, match="exposed_origins"):
        OutboundSettings(exposed_origins=(origin,))


def test_what_is_loosened_is_told():
    assert OutboundSettings().dangers == ()
    settings = OutboundSettings(allow_unencrypted=True, exposed_origins=("http://sso.internal",))
    assert settings.dangers == ("allow_unencrypted", "exposed_origins")


def test_what_is_known_widens_nothing_else():
    settings = OutboundSettings(
        allowed_hosts=("api.partner.example.com",),
        max_redirects=3,
        exposed_origins=("https://a.b",),
    )
    known = settings.knowing(
        "https://sso.internal/x", "no url", "https://[::1", "HTTPS://[::1]:8443/", "https://a.b/"
    )
    assert known.exposed_origins == ("https://a.b", "https://sso.internal", "https://[::1]:8443")
    assert (known.allowed_hosts, known.max_redirects) == ((), 0)
    assert not known.exposed_internal_networks
    assert settings.within(0.001, size=10).total_timeout == 0.05
    assert settings.within(9999, size=10).read_timeout == settings.read_timeout


async def test_refusals_are_told_and_failures_are_not():
    events = Events()
    async with running(reply(b"", status="302 Found", Location="http://10.0.0.1/")) as site:
        settings = OutboundSettings(
            exposed_origins=(f"http://127.0.0.1:{site.port}",), max_redirects=1
        )
        async with OutboundClient(settings, events=events) as client:
            with pytest.raises(CallRefusedError):
                await client.get("https://10.0.0.1/?token=violet")
            with pytest.raises(RedirectRefusedError):
                await client.get(f"http://127.0.0.1:{site.port}/")
    async with OutboundClient(events=events, resolver=Names()) as client:
        with pytest.raises(OutboundError):
            await client.get("https://nowhere.example.com/")
    assert [event.type for event in events.seen] == [EventType.OUTBOUND_REFUSED] * 2
    assert [event.outcome for event in events.seen] == ["denied"] * 2
    assert "10.0.0.1" in events.seen[0].reason
    assert "violet" not in repr(events.seen)


async def test_the_shared_client_is_made_once_and_closed_at_the_end():
    shared = SharedClient(OutboundSettings(), Events())
    await shared.start()
    await shared.stop()
    assert shared.client is shared.client
    await shared.stop()


async def test_handlers_ask_for_the_applications_client():
    class App:
        class State:
            pass

        state = State

    class Request:
        app = App

    with pytest.raises(ConfigurationError, match="no client"):
        await get_outbound(Request)
    App.state.outbound = client = OutboundClient()
    assert await get_outbound(Request) is client
    App.outbound = other = OutboundClient()
    assert await get_outbound(Request) is other
