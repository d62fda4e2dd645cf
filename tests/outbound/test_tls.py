from __future__ import annotations

import ssl

import pytest

from tests.accounts.fakes import Events
from tests.outbound.servers import Authority, Names, inside, running
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.outbound import (
    OutboundClient,
    OutboundTimeoutError,
    UnreachableError,
    UntrustedError,
)
from zenith.outbound.certificates import usual_context

NAMES = Names(api_example_com=[["127.0.0.1"]])


@pytest.fixture(scope="module")
def authority():
    return Authority()


def https(site, authority, events=None, **settings):
    return OutboundClient(
        inside(site.port, allow_unencrypted=False, **settings),
        resolver=NAMES,
        tls=authority.client_context(),
        events=events,
    )


async def test_the_name_is_asked_for_and_verified_though_the_address_is_connected_to(
    authority, tmp_path
):
    seen = []
    context = authority.server_context(tmp_path, "api.example.com", seen=seen)
    async with running(tls=context) as site, https(site, authority) as outbound:
        answer = await outbound.get(f"https://api.example.com:{site.port}/a")
    assert answer.content == b"ok"
    assert seen == ["api.example.com"]
    assert site.calls[0].headers["host"] == f"api.example.com:{site.port}"


async def test_an_address_needs_a_certificate_for_the_address(authority, tmp_path):
    context = authority.server_context(tmp_path, "127.0.0.1")
    async with running(tls=context) as site, https(site, authority) as outbound:
        assert (await outbound.get(f"https://127.0.0.1:{site.port}/")).status == 200
        with pytest.raises(UnreachableError):
            await outbound.get(f"https://api.example.com:{site.port}/")


async def test_international_names(authority, tmp_path):
    names = Names()
    names.answers["xn--bcher-kva.example.com"] = [["127.0.0.1"]]
    seen = []
    context = authority.server_context(tmp_path, "xn--bcher-kva.example.com", seen=seen)
    async with running(tls=context) as site:
        client = OutboundClient(inside(site.port), resolver=names, tls=authority.client_context())
        async with client as outbound:
            await outbound.get(f"https://Bücher.example.com:{site.port}/ä")
    assert seen == ["xn--bcher-kva.example.com"]
    assert site.calls[0].target == "/%C3%A4"


@pytest.mark.parametrize("fault", ["name", "expired", "authority", "plain"])
async def test_certificates_that_do_not_hold(authority, tmp_path, fault):
    signer = Authority() if fault == "authority" else authority
    name = "other.example.com" if fault == "name" else "api.example.com"
    context = signer.server_context(tmp_path, name, days=-1 if fault == "expired" else 1)
    tls = None if fault == "plain" else context
    events = Events()
    async with (
        running(tls=tls) as site,
        https(site, authority, events, connect_timeout=0.2) as outbound,
    ):
        with pytest.raises(OutboundTimeoutError if fault == "plain" else UntrustedError):
            await outbound.get(f"https://api.example.com:{site.port}/?token=violet")
    assert not site.calls
    # ASVS 16.3.4: recorded, whatever the caller makes of it.
    told = [(each.type, each.outcome, each.reason) for each in events.noted]
    reason = "TLS failed: SSLCertVerificationError"
    expected = [(EventType.UNHANDLED_ERROR, "error", reason)]
    assert told == ([] if fault == "plain" else expected)


async def test_the_usual_authorities_do_not_believe_any(authority, tmp_path):
    context = authority.server_context(tmp_path, "api.example.com")
    async with running(tls=context) as site:
        outbound = OutboundClient(inside(site.port), resolver=NAMES)
        with pytest.raises(UnreachableError):
            await outbound.get(f"https://api.example.com:{site.port}/")
        await outbound.aclose()


def test_the_usual_context_verifies_and_logs_no_keys(monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = usual_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


@pytest.mark.parametrize("believes", ["any name", "anything"])
def test_a_context_that_verifies_nothing_is_refused(believes):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if believes == "anything":
        context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ConfigurationError, match="verify"):
        OutboundClient(tls=context)
