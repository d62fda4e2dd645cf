from __future__ import annotations

from ipaddress import ip_address

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.forwarded import UNREADABLE, read_backwards
from zenith.kernel.network import (
    MAX_HOPS,
    Told,
    TrustedProxies,
    client_key,
    parse_address,
    parse_networks,
)

PROXIES = TrustedProxies(parse_networks(["10.0.0.0/8", "fd00::/8"], setting="proxies"))
NOBODY = TrustedProxies()


def test_networks():
    assert [str(each) for each in parse_networks(["10.0.0.0/8", "::1"], setting="s")] == [
        "10.0.0.0/8",
        "::1/128",
    ]


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "example.com", "10.0.0.0/33", "*"])
def test_what_is_no_network_refuses_the_start(text):
    with pytest.raises(ConfigurationError, match="my_setting"):
        parse_networks([text], setting="my_setting")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.1:_hidden", "192.0.2.1"),
        ("[2001:db8::1]:_hidden", "2001:db8::1"),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "example.com",
        "1.2.3",
        "01.2.3.4",
        "1.2.3.4.5",
        ":::",
        "[",
        "[]",
        "[192.0.2.1]",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "192.0.2.1:",
        "192.0.2.1:http",
        "192.0.2.1:999999",
        "192.0.2.1/8",
    ],
)
def test_what_is_no_address(text):
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_what_counts_as_one_client(address, key):
    assert client_key(address) == key


def test_mapped_networks_are_those_of_ipv4():
    found = parse_networks(["::ffff:10.0.0.0/104", "::ffff:0:0/96"], setting="s")
    assert [str(each) for each in found] == ["10.0.0.0/8", "0.0.0.0/0"]


def test_nobody_is_trusted_by_default():
    assert not NOBODY
    assert PROXIES
    assert NOBODY.hear("10.0.0.1", x_forwarded_for="192.0.2.1", x_forwarded_proto="https") == (
        Told("10.0.0.1", 0)
    )
    assert NOBODY.hear_forwarded("10.0.0.1", "for=192.0.2.1") == Told("10.0.0.1", 0)


@pytest.mark.parametrize("peer", ["192.0.2.9", "unknown", "", "11.0.0.1"])
def test_only_proxies_are_believed(peer):
    said = {"x_forwarded_for": "192.0.2.1", "x_forwarded_proto": "https"}
    assert PROXIES.hear(peer, **said) == Told(peer, 0)
    assert PROXIES.hear_forwarded(peer, "for=192.0.2.1;proto=https") == Told(peer, 0)


@pytest.mark.parametrize(
    ("header", "client", "depth"),
    [
        ("192.0.2.1", "192.0.2.1", 1),
        ("192.0.2.66, 192.0.2.1", "192.0.2.1", 1),
        ("127.0.0.1, 192.0.2.1, 10.0.0.2", "192.0.2.1", 2),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3", 2),
        ("192.0.2.1, garbage, 10.0.0.2", "10.0.0.2", 1),
        ("192.0.2.1, ", "10.0.0.1", 0),
        ("", "10.0.0.1", 0),
        ("garbage", "10.0.0.1", 0),
        ("2001:db8::1", "2001:db8::1", 1),
        ("192.0.2.1:1234", "192.0.2.1", 1),
        ("::ffff:10.0.0.9, 10.0.0.2", "10.0.0.9", 2),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_proxy(header, client, depth):
    assert PROXIES.hear("10.0.0.1", x_forwarded_for=header) == Told(client, depth)


def test_a_mapped_peer_is_the_proxy_itself():
    assert PROXIES.hear("::ffff:10.0.0.1", x_forwarded_for="192.0.2.1") == Told("192.0.2.1", 1)
    assert PROXIES.hear("fd00::7", x_forwarded_for="192.0.2.1") == Told("192.0.2.1", 1)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("", "10.0.0.1"),
        ("for=192.0.2.1", "192.0.2.1"),
        ('For="[2001:db8::1]:4711";proto=https;by=203.0.113.43', "2001:db8::1"),
        ("for=192.0.2.66, for=192.0.2.1;proto=http", "192.0.2.1"),
        ("proto=https;for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1;, for=10.0.0.2 ; by=x", "192.0.2.1"),
        ('for="\\1\\92.0.2.1"', "192.0.2.1"),
        ("for=192.0.2.1:80", "192.0.2.1"),
        ("for=192.0.2.1, proto=https", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("for=_secret", "10.0.0.1"),
        ('for=""', "10.0.0.1"),
        ("for=", "10.0.0.1"),
        ("for=192.0.2.1;for=192.0.2.2", "10.0.0.1"),
        ("xfor=192.0.2.1", "10.0.0.1"),
        ("for=192.0.2.1 by=x", "10.0.0.1"),
        ("for=10.0.0.3, for=10.0.0.2", "10.0.0.3"),
    ],
)
def test_the_forwarded_header(header, client):
    assert PROXIES.hear_forwarded("10.0.0.1", header).client == client


def test_a_long_chain_is_read_from_the_right_only_so_far():
    header = ", ".join(["192.0.2.1"] + ["10.0.0.2"] * MAX_HOPS)
    assert PROXIES.hear("10.0.0.1", x_forwarded_for=header) == Told("10.0.0.2", MAX_HOPS)
    header = ", ".join(["for=192.0.2.1"] + ["for=10.0.0.2"] * MAX_HOPS)
    assert PROXIES.hear_forwarded("10.0.0.1", header) == Told("10.0.0.2", MAX_HOPS)


@pytest.mark.parametrize(
    "header", ['"' * 5000, ",;" * 5000, "a=b" + " " * 5000 + '"', 'a=",' * 999]
)
def test_malformed_text_is_given_up_soon(header):
    assert list(read_backwards(header))[-1] == UNREADABLE


@pytest.mark.parametrize(
    ("header", "proto"),
    [
        ("https", "https"),
        (" HTTP ", "http"),
        ("https, http", "http"),
        ("http, https", "https"),
        ("gopher", None),
        ("", None),
    ],
)
def test_the_scheme_that_the_nearest_proxy_saw(header, proto):
    told = PROXIES.hear("10.0.0.1", x_forwarded_for="192.0.2.1", x_forwarded_proto=header)
    assert told.proto == proto


@pytest.mark.parametrize(
    ("header", "proto", "host"),
    [
        ("for=192.0.2.1;proto=https", "https", None),
        ('for=192.0.2.1;PROTO="HTTPS";by=x;Host="example.com:8443"', "https", "example.com:8443"),
        ("for=192.0.2.66;proto=https;host=a, for=192.0.2.1", None, None),
        ("for=192.0.2.1;proto=https;host=a, for=10.0.0.2;proto=http;host=b", "https", "a"),
        ("for=192.0.2.1;proto=http;host=a, for=unknown;proto=https;host=b", "https", "b"),
        ("for=192.0.2.1;xproto=https;xhost=a", None, None),
        ("for=192.0.2.1;proto=gopher", None, None),
    ],
)
def test_scheme_and_host_of_the_proxy_that_the_client_spoke_to(header, proto, host):
    told = PROXIES.hear_forwarded("10.0.0.1", header)
    assert (told.proto, told.host) == (proto, host)
