from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest

from zenith.outbound.addresses import METADATA, AddressRules, embedded

RULES = AddressRules()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "shared between a provider's customers"),
        ("127.255.255.254", "loopback"),
        ("169.254.1.1", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.0.9", "reserved for protocols"),
        ("192.0.2.1", "for documentation"),
        ("192.88.99.1", "a 6to4 relay"),
        ("192.168.0.1", "private"),
        ("198.19.0.1", "for benchmarks"),
        ("203.0.113.7", "for documentation"),
        ("224.0.0.251", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "IPv4 written as IPv6"),
        ("::7f00:1", "IPv4 written as IPv6"),
        ("::ffff:93.184.216.34", "IPv4 written as IPv6"),
        ("::ffff:0:10.0.0.1", "IPv4 translated"),
        ("64:ff9b:1::a00:1", "IPv4 translated inside a network"),
        ("64:ff9b::10.0.0.1", "private"),
        ("100::1", "discarded"),
        ("2001::1", "IPv4 in a Teredo tunnel"),
        ("2001:2::1", "reserved for protocols"),
        ("2001:db8::1", "for documentation"),
        ("2002:7f00:1::", "IPv4 in a 6to4 tunnel"),
        ("2a00::5efe:10.0.0.1", "IPv4 in an ISATAP tunnel"),
        ("2a00::200:5efe:a00:1", "IPv4 in an ISATAP tunnel"),
        ("3fff::1", "for documentation"),
        ("4000::1", "not assigned to anybody"),
        ("5f00::1", "for segment routing"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "bound to an interface"),
        ("2606:4700::1%1", "bound to an interface"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("168.63.129.16", "a metadata service"),
        ("169.254.169.254", "a metadata service"),
        ("fd00:ec2::254", "a metadata service"),
        ("64:ff9b::a9fe:a9fe", "a metadata service"),
    ],
)
def test_what_is_not_public_is_named(text, kind):
    assert RULES.refusal_of(ip_address(text)) == kind


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "93.184.216.34",
        "172.32.0.1",
        "2606:4700::1111",
        "2a00:1450::1",
        "64:ff9b::1.1.1.1",
    ],
)
def test_public_addresses_are_called(text):
    assert RULES.refusal_of(ip_address(text)) == ""


def test_an_exposed_network_is_called_and_nothing_beside_it():
    rules = AddressRules(exposed=[ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
    called = ["10.1.0.1", "fd00::1", "64:ff9b::10.1.0.1"]
    refused = ["10.2.0.1", "fc00::1", "::ffff:10.1.0.1", "::10.1.0.1", "2002:0a01:1::"]
    assert not any(rules.refusal_of(ip_address(text)) for text in called)
    assert all(rules.refusal_of(ip_address(text)) for text in refused)


@pytest.mark.parametrize("address", sorted(METADATA, key=str), ids=str)
def test_no_network_opens_a_metadata_service(address):
    rules = AddressRules(
        exposed=[ip_network(text) for text in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")]
    )
    assert rules.refusal_of(address) == "a metadata service"


def test_no_network_opens_another_way_to_ipv4():
    rules = AddressRules(exposed=[ip_network("::/1")])
    for text in ("::ffff:169.254.169.254", "2002:a9fe:a9fe::", "::169.254.169.254", "2001::1"):
        assert rules.refusal_of(ip_address(text)), text
    assert rules.refusal_of(ip_address("::1")) == ""


@pytest.mark.parametrize(
    ("prefix", "address"),
    [  # RFC 6052 section 2.4
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ],
)
def test_the_vectors_of_nat64(prefix, address):
    found = embedded(IPv6Address(address), ip_network(prefix).prefixlen)
    assert str(found) == "192.0.2.33"


def test_a_prefix_of_the_network_s_own_is_looked_through():
    rules = AddressRules(nat64=[ip_network("2a00:64::/96")])
    assert rules.refusal_of(ip_address("2a00:64::10.0.0.1")) == "private"
    assert rules.refusal_of(ip_address("2a00:64::1.1.1.1")) == ""
    assert rules.refusal_of(ip_address("2a00:64::168.63.129.16")) == "a metadata service"
    assert RULES.refusal_of(ip_address("2a00:64::10.0.0.1")) == ""
    local = AddressRules(nat64=[ip_network("64:ff9b:1::/48")])
    assert local.refusal_of(ip_address("64:ff9b:1:101:1:100::")) == ""
    assert local.refusal_of(ip_address("64:ff9b:1:a00:0:100::")) == "private"
