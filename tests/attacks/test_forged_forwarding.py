"""The attack: a client that writes forwarding headers itself, wherever it stands, to appear as
somebody else: to escape limits, to pass a list of networks, to be taken for https, to choose the
host, to put another's address into the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.asgi import make_exchange
from zenith.kernel.errors import SecurityError
from zenith.transport import TransportGuard, TransportSettings

PROXIES = ("10.0.0.0/8", "fd00::/8")
HOSTS = ("shop.example", "localhost")
X = TransportGuard(
    TransportSettings(trusted_proxies=PROXIES, trust_forwarded_host=True, allowed_hosts=HOSTS)
)
RFC_7239 = TransportGuard(
    TransportSettings(
        trusted_proxies=PROXIES,
        proxy_headers="forwarded",
        trust_forwarded_host=True,
        allowed_hosts=HOSTS,
    )
)
NO_PROXY = TransportGuard(TransportSettings(allowed_hosts=HOSTS))
ME = "198.51.100.66"
"""The attacker."""


def seen(guard, headers, *, peer="10.0.0.1", scheme="http"):
    exchange = make_exchange(headers=headers, client=peer, scheme=scheme)
    guard.on_request(exchange)
    return exchange


@pytest.mark.parametrize("guard", [X, RFC_7239, NO_PROXY], ids=["x", "rfc7239", "no-proxy"])
@pytest.mark.parametrize("peer", [ME, "2001:db8::66", "::ffff:198.51.100.66", "11.0.0.1", None])
@pytest.mark.parametrize(
    "headers",
    [
        [("x-forwarded-for", "10.0.0.9")],
        [("x-forwarded-for", "192.0.2.1, 10.0.0.9")],
        [("x-real-ip", "192.0.2.1"), ("client-ip", "192.0.2.1"), ("true-client-ip", "192.0.2.1")],
        [("forwarded", "for=192.0.2.1;proto=https;host=shop.example")],
        [("forwarded", "for=10.0.0.9"), ("x-forwarded-for", "10.0.0.9")],
        [("x-forwarded-proto", "https"), ("x-forwarded-ssl", "on"), ("front-end-https", "on")],
        [("x-forwarded-host", "shop.example"), ("x-forwarded-port", "443")],
        [("x-forwarded-scheme", "https"), ("x-url-scheme", "https")],
    ],
)
def test_who_connects_directly_is_believed_nothing(guard, peer, headers):
    exchange = seen(guard, headers, peer=peer)
    assert exchange.client == (peer or "unknown")
    assert (exchange.secure, exchange.host, exchange.scope["scheme"]) == (
        False,
        "localhost",
        "http",
    )
    assert exchange.scope["client"] == ((peer, 50_000) if peer else None)


@pytest.mark.parametrize(
    "mine",
    [
        "192.0.2.1",
        "10.0.0.9",
        "127.0.0.1, 10.0.0.9",
        "::1",
        "::ffff:10.0.0.9",
        "[fd00::9]:443",
        "unknown",
        "_hidden",
        "",
        ",,,",
        "192.0.2.1,",
        '"192.0.2.1',
        "192.0.2.1;10.0.0.9",
        "192.0.2.1 10.0.0.9",
        "10.0.0.9\t",
        "0x0a000009",
        "167772169",
        "10.9",
        "localhost",
        "for=10.0.0.9",
        "10.0.0.9%eth0",
        "é" * 20,
        ", ".join(["10.0.0.9"] * 400),
    ],
)
def test_what_is_left_of_the_proxys_own_word_is_not_believed(mine):
    for more in ("", ", 10.0.0.2", ", fd00::2, 10.0.0.2", ",10.0.0.2:8080"):
        for first in (ME, f"{ME}:4711", f"::ffff:{ME}"):
            assert seen(X, [("x-forwarded-for", f"{mine}, {first}{more}")]).client == ME
            own_lines = [("x-forwarded-for", mine), ("x-forwarded-for", first + more)]
            assert seen(X, own_lines).client == ME


@pytest.mark.parametrize(
    "mine",
    [
        "for=192.0.2.1",
        "for=10.0.0.9;proto=https;host=shop.example",
        "for=10.0.0.9, for=10.0.0.8",
        'for="[fd00::9]:443"',
        'for="',
        'for="x',
        'for="x\\',
        'for="x\\"',
        'host="',
        'host=";for=10.0.0.9',
        'for=10.0.0.9;host="',
        "for=10.0.0.9;",
        "for=10.0.0.9;host=",
        "for=",
        "=",
        ";",
        ",",
        "",
        '"',
        '""',
        '"""',
        "\\",
        'by="a",for="',
        "for=10.0.0.9 ",
        "for = 10.0.0.9",
        "for=unknown",
        "for=_hidden",
        "x" * 9000,
        'host="' + "a" * 9000,
        ',host="' * 900,
    ],
)
def test_nothing_that_a_client_writes_swallows_the_proxys_element(mine):
    for me in (f"for={ME}", f'for="{ME}:4711"', f'for="[::ffff:{ME}]"', f'by="x,y";FOR={ME};a="b"'):
        for more in (
            "",
            ", for=10.0.0.2",
            ', for="[fd00::2]:443";by="z", for=10.0.0.2;proto=https',
        ):
            headers = [("forwarded", f"{mine}, {me}{more}")]
            # Larger headers the firewall refuses; of what it lets through the end is read.
            guard = RFC_7239 if len(mine) < 8000 else LENIENT
            exchange = seen(guard, headers)
            assert (exchange.client, exchange.secure) == (ME, False)
            assert seen(guard, [("forwarded", mine), ("forwarded", me + more)]).client == ME


LENIENT = TransportGuard(
    TransportSettings(
        trusted_proxies=PROXIES,
        proxy_headers="forwarded",
        max_header_size=100_000,
        max_headers_size=100_000,
    )
)


@pytest.mark.parametrize(
    "host",
    [
        "a;for=10.0.0.9",
        'a\\";for=10.0.0.9',
        "a, for=10.0.0.9",
        'a\\", for=10.0.0.9',
        'a\\\\\\", for=\\"10.0.0.9\\"',
        "a, for=10.0.0.9;host=b",
        "shop.example;proto=https",
        "x=y",
    ],
)
@pytest.mark.parametrize(
    "form", ['for={};host="{}"', 'host="{1}";for={0}', 'by="{1}";for={0};a="{1}"']
)
def test_what_a_proxy_quotes_of_the_client_is_no_parameter(host, form):
    guard = TransportGuard(TransportSettings(trusted_proxies=PROXIES, proxy_headers="forwarded"))
    exchange = seen(guard, [("forwarded", "for=10.0.0.7, " + form.format(ME, host))])
    assert (exchange.client, exchange.secure) == (ME, False)


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ([("x-forwarded-proto", "https, http")], False),
        ([("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")], False),
        ([("x-forwarded-proto", "http, https")], True),
        ([("x-forwarded-proto", "https, ")], False),
        ([("x-forwarded-proto", "wss")], False),
        ([("x-forwarded-proto", "https;http")], False),
        ([("forwarded", "proto=https")], False),
        ([("x-forwarded-ssl", "on"), ("x-forwarded-scheme", "https")], False),
    ],
)
def test_only_the_nearest_proxy_says_that_it_was_https(headers, secure):
    assert seen(X, headers).secure is secure


@pytest.mark.parametrize(
    ("header", "secure"),
    [
        (f"for=10.0.0.9;proto=https, for={ME};proto=http", False),
        (f"for=10.0.0.9;proto=https, for={ME}", False),
        (f"for={ME};proto=https, for=10.0.0.2;proto=http", True),
        (f"for={ME};proto=http, for=10.0.0.2;proto=https", False),
        ("for=192.0.2.1;proto=https, for=unknown;proto=http", False),
        (f"for={ME};proto=http;proto=https", False),
    ],
)
def test_the_scheme_is_that_of_the_proxy_the_client_spoke_to(header, secure):
    assert seen(RFC_7239, [("forwarded", header)]).secure is secure


@pytest.mark.parametrize(
    ("guard", "headers", "status"),
    [
        (X, [("x-forwarded-host", "evil.example")], 421),
        (X, [("x-forwarded-host", "evil.example, shop.example")], 400),
        (X, [("x-forwarded-host", "shop.example, evil.example")], 400),
        (X, [("x-forwarded-host", "evil.example"), ("x-forwarded-host", "shop.example")], 400),
        (X, [("x-forwarded-host", "shop.example@evil.example")], 400),
        (RFC_7239, [("forwarded", f"for={ME};host=evil.example")], 421),
        (
            RFC_7239,
            [("forwarded", f"for=10.0.0.9;host=shop.example, for={ME};host=evil.example")],
            421,
        ),
        (RFC_7239, [("forwarded", f'for={ME};host="shop.example\\"evil"')], 400),
    ],
)
def test_a_host_that_is_not_ours_or_not_certain_is_refused(guard, headers, status):
    with pytest.raises(SecurityError) as caught:
        seen(guard, headers)
    assert caught.value.status == status


def test_a_header_that_the_proxy_does_not_set_names_no_host():
    x = [("x-forwarded-host", "shop.example")]
    assert seen(RFC_7239, [("forwarded", f"for={ME}"), *x]).host == "localhost"
    forwarded = [("forwarded", f"for={ME};host=shop.example")]
    assert seen(X, forwarded).host == "localhost"
    assert seen(RFC_7239, forwarded).host == "shop.example"
    assert seen(X, x).host == "shop.example"


# A model: each party on the way speaks to the next, which writes down what it knows for certain.


@dataclass
class Party:
    """One that sends the request on."""

    address: str
    trusted: bool
    port: str = ""
    notes: dict = field(default_factory=dict)


def address(networks):
    return st.sampled_from(networks)


TRUSTED = ("10.0.0.2", "10.255.255.255", "fd00::2", "::ffff:10.0.0.3", "fdff:1:2:3::4")
FOREIGN = ("198.51.100.66", "2001:db8::66", "::ffff:203.0.113.5", "9.255.255.255", "fe00::1")
PORTS = st.sampled_from(["", ":80", ":65535", ":_p-1"])
TEXT = st.text('for=10.9,;"\\ :[]pty', max_size=25)
CHAIN = st.lists(
    st.builds(Party, address(TRUSTED), st.just(True), PORTS)
    | st.builds(Party, address(FOREIGN), st.just(False), PORTS),
    max_size=4,
)


def as_read(text):
    """What the address is, in one form."""
    found = ip_address(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def client_of(chain):
    """The model: from the application outwards, the first that is none of ours."""
    for party in reversed(chain):
        if not any(ip_address(as_read(party.address)) in ip_network(each) for each in PROXIES):
            return as_read(party.address)
    return as_read(chain[0].address)


def hop(party, *, quoted):
    if not party.port:
        return f'"[{party.address}]"' if quoted and ":" in party.address else party.address
    bracketed = f"[{party.address}]" if ":" in party.address else party.address
    return f'"{bracketed}{party.port}"' if quoted else bracketed + party.port


@given(CHAIN, address(FOREIGN), TEXT, st.booleans())
def test_as_the_model_sees_it_x_forwarded_for(chain, attacker, text, own_line):
    # The attacker sends text of its own; everyone on the way appends who spoke to it.
    way = [Party(attacker, trusted=False), *chain]
    written = ", ".join(hop(party, quoted=False) for party in way)
    headers = [("x-forwarded-for", text), ("x-forwarded-for", written)]
    if not own_line:
        headers = [("x-forwarded-for", f"{text},{written}")]
    assert seen(X, headers).client == client_of(way)


@given(CHAIN, address(FOREIGN), TEXT, TEXT, st.booleans())
def test_as_the_model_sees_it_forwarded(chain, attacker, text, host, own_line):
    way = [Party(attacker, trusted=False), *chain]
    quoted = host.replace("\\", "\\\\").replace('"', '\\"')
    written = ", ".join(f'for={hop(party, quoted=True)};by="{quoted}"' for party in way)
    headers = [("forwarded", text), ("forwarded", written)]
    if not own_line:
        headers = [("forwarded", f"{text},{written}")]
    assert seen(RFC_7239, headers).client == client_of(way)


@given(st.lists(TEXT, max_size=4), st.sampled_from(["forwarded", "x-forwarded-for"]))
def test_whatever_a_trusted_proxy_sends_is_an_answer(texts, name):
    for guard in (X, RFC_7239):
        ip_address(seen(guard, [(name, text) for text in texts]).client)


@pytest.mark.parametrize("guard", [X, RFC_7239], ids=["x", "rfc7239"])
@pytest.mark.parametrize(
    "malformed",
    [
        {"path": "/a/../b"},
        {"path": "/", "method": "TRACE"},
        {"path": "/", "headers": [("content-length", "x")]},
        {"path": "/", "headers": [("content-type", "multipart/form-data")]},
    ],
    ids=["path", "method", "header", "form"],
)
def test_what_cannot_be_understood_is_held_against_its_sender_not_the_proxy(guard, malformed):
    """Else scanners behind a proxy are never banned, and the audit log names the proxy."""
    told = [("x-forwarded-for", ME), ("x-forwarded-proto", "https")]
    told += [("forwarded", f"for={ME};proto=https"), *malformed.get("headers", ())]
    for peer, client, secure in (("10.0.0.1", ME, True), ("192.0.2.7", "192.0.2.7", False)):
        exchange = make_exchange(**malformed | {"headers": told}, client=peer)
        with pytest.raises(SecurityError):
            guard.on_request(exchange)
        assert (exchange.client, exchange.secure) == (client, secure)
