from __future__ import annotations

from ipaddress import ip_address

import pytest

from zenith.outbound.errors import CallRefusedError
from zenith.outbound.hosts import HostRules, is_pattern


def reason(rules, host):
    with pytest.raises(CallRefusedError) as caught:
        rules.read(host)
    return caught.value.reason


def test_public_names_are_names():
    for host in ("example.com", "a.b-c.example.com", "_x.example.com", "xn--bcher-kva.example.com"):
        assert HostRules().read(host) is None


def test_addresses_are_addresses():
    assert HostRules().read("93.184.216.34") == ip_address("93.184.216.34")
    assert HostRules().read("2606:4700::1111") == ip_address("2606:4700::1111")


@pytest.mark.parametrize(
    "host", ["127.1", "1.2.3.0x4", "1.2.3.04", "2130706433", "a.1", "0x", "fe80::g"]
)
def test_what_looks_like_a_number_is_one(host):
    assert reason(HostRules(), host) == "a number that is no plain address"


@pytest.mark.parametrize(
    "host",
    ["", "a..com", ".com", "example.com.", "-a.com", "a-.com", "a%2e.com", "a b.com", "a,b.com"],
)
def test_names_are_written_plainly(host):
    assert reason(HostRules(), host) == "the host is not written plainly"


def test_a_name_has_253_characters():
    label = "a" * 61 + "."
    assert HostRules().read(label * 4 + "abcde") is None
    assert "plainly" in reason(HostRules(), label * 4 + "abcdef")
    assert "plainly" in reason(HostRules(), "a" * 64 + ".com")


def test_listed_hosts_are_the_only_ones():
    rules = HostRules(["api.example.com", "*.example.org", "10.0.0.1", "db", "2606:4700::1"])
    for host in ("api.example.com", "a.example.org", "a.b.example.org", "db"):
        assert rules.read(host) is None
    assert rules.read("2606:4700:0::1") == ip_address("2606:4700::1")
    assert rules.read("10.0.0.1") == ip_address("10.0.0.1")
    for host in ("example.com", "b.api.example.com", "example.org", "aexample.org", "1.1.1.1"):
        assert reason(rules, host) == "the host is not among those allowed"


def test_a_metadata_service_cannot_be_listed():
    rules = HostRules(["metadata.google.internal", "*.google.internal"])
    assert "metadata" in reason(rules, "metadata.google.internal")


@pytest.mark.parametrize(
    "host",
    ["localhost", "db", "a.localhost", "printer.local", "x.internal", "1.0.0.127.in-addr.arpa"],
)
def test_names_of_the_inside_are_not_public(host):
    assert reason(HostRules(), host).endswith("is no public name")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("api.example.com", True),
        ("*.example.com", True),
        ("db", True),
        ("10.0.0.1", True),
        ("::1", True),
        ("*", False),
        ("*.com", False),
        ("*.*.example.com", False),
        ("API.example.com", False),
        ("https://example.com", False),
        ("example.com:443", False),
        ("[::1]", False),
        ("0:0::1", False),
        ("127.1", False),
        ("bücher.example", False),
        ("a." * 127 + "com", False),
        ("", False),
    ],
)
def test_patterns(text, fits):
    assert is_pattern(text) is fits
