from __future__ import annotations

from ipaddress import ip_address

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import (
    MAX_HOPS,
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
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "example.com", "1.2.3", "01.2.3.4", "1.2.3.4.5", ":::", "[", "[]"],
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


def test_nobody_is_trusted_by_default():
    assert not NOBODY
    assert PROXIES
    assert NOBODY.resolve("10.0.0.1", x_forwarded_for="192.0.2.1") == ("10.0.0.1", 0)
    assert NOBODY.proto("10.0.0.1", x_forwarded_proto="https") is None


@pytest.mark.parametrize("peer", ["192.0.2.9", "unknown", "", "11.0.0.1"])
def test_only_proxies_are_believed(peer):
    assert PROXIES.resolve(peer, x_forwarded_for="192.0.2.1") == (peer, 0)
    assert PROXIES.resolve(peer, forwarded="for=192.0.2.1") == (peer, 0)
    assert PROXIES.proto(peer, x_forwarded_proto="https") is None


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
    assert PROXIES.resolve("10.0.0.1", x_forwarded_for=header) == (client, depth)


def test_a_mapped_peer_is_the_proxy_itself():
    assert PROXIES.resolve("::ffff:10.0.0.1", x_forwarded_for="192.0.2.1") == ("192.0.2.1", 1)
    assert PROXIES.resolve("fd00::7", x_forwarded_for="192.0.2.1") == ("192.0.2.1", 1)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("for=192.0.2.1", "192.0.2.1"),
        ('For="[2001:db8::1]:4711";proto=https;by=203.0.113.43', "2001:db8::1"),
        ("for=192.0.2.66, for=192.0.2.1;proto=http", "192.0.2.1"),
        ("proto=https;for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1, proto=https", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("for=_secret", "10.0.0.1"),
        ('for=""', "10.0.0.1"),
        ("xfor=192.0.2.1", "10.0.0.1"),
    ],
)
def test_the_forwarded_header(header, client):
    assert PROXIES.resolve("10.0.0.1", forwarded=header)[0] == client


def test_a_long_chain_is_read_from_the_right_only_so_far():
    header = ", ".join(["192.0.2.1"] + ["10.0.0.2"] * MAX_HOPS)
    assert PROXIES.resolve("10.0.0.1", x_forwarded_for=header) == ("10.0.0.2", MAX_HOPS)


@pytest.mark.parametrize(
    ("headers", "proto"),
    [
        ({"x_forwarded_proto": "https"}, "https"),
        ({"x_forwarded_proto": " HTTP "}, "http"),
        ({"x_forwarded_proto": "https, http"}, "http"),
        ({"x_forwarded_proto": "gopher"}, None),
        ({"x_forwarded_proto": ""}, None),
        ({"forwarded": "for=192.0.2.1;proto=https"}, "https"),
        ({"forwarded": 'for=192.0.2.1;PROTO="HTTPS";by=x'}, "https"),
        ({"forwarded": "proto=https, for=192.0.2.1"}, None),
        ({"forwarded": "for=192.0.2.1;xproto=https"}, None),
    ],
)
def test_the_scheme_that_the_nearest_proxy_saw(headers, proto):
    assert PROXIES.proto("10.0.0.1", **headers) == proto
