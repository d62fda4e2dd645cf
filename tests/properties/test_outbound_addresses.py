"""Whatever `ipaddress` holds for not public is not called, however it is written."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zenith.outbound.addresses import METADATA, NAT64, AddressRules, embedded
from zenith.outbound.destinations import Destinations
from zenith.outbound.errors import CallRefusedError, OutboundError
from zenith.outbound.hosts import HostRules
from zenith.outbound.settings import OutboundSettings

RULES = AddressRules()
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.one_of(
    st.integers(0, 2**128 - 1).map(IPv6Address),
    st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(IPv6Address),
    V4.map(lambda inner: IPv6Address(0xFFFF << 32 | int(inner))),
    V4.map(lambda inner: IPv6Address(int(NAT64.network_address) | int(inner))),
    V4.map(lambda inner: IPv6Address(0x2002 << 112 | int(inner) << 80)),
)


@given(st.one_of(V4, V6))
def test_what_the_library_holds_for_private_is_refused(address):
    if isinstance(address, IPv6Address) and address in NAT64:
        # The library holds it for public, whatever is within; here the inner address decides.
        assert RULES.refusal_of(address) == RULES.refusal_of(embedded(address, 96))
    elif not address.is_global or address.is_multicast or address.is_reserved:
        assert RULES.refusal_of(address)


@given(V4)
def test_public_ipv4_is_what_the_library_holds_for_it(address):
    ours_alone = ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24")
    is_public = address.is_global and not address.is_multicast
    if address not in METADATA and not any(address in each for each in ours_alone):
        assert (RULES.refusal_of(address) == "") is is_public


@given(V4)
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("169.254.169.254"))
def test_no_odd_spelling_of_an_address_is_read(address):
    number = int(address)
    a, b, c, d = address.packed
    spellings = {
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a}.{b}.{c}.0x{d:x}",
        f"{a}.{b}.{c}.0{d:o}",
        f"{address}.",
    }
    for text in spellings - {str(address)}:
        with pytest.raises(CallRefusedError):
            HostRules().read(text)


@given(st.text("0123456789abcdefx.:", min_size=1, max_size=20))
def test_what_a_resolver_takes_for_an_address_is_judged_as_one(text):
    """`inet_aton` is what resolvers do with a name that looks like a number."""
    try:
        inner = IPv4Address(socket.inet_aton(text))
    except OSError:
        return
    try:
        assert HostRules().read(text) == inner
    except CallRefusedError:
        assert str(inner) != text


@given(st.one_of(V4, V6))
def test_an_address_in_its_usual_form_is_read_as_itself(address):
    rules = HostRules(["10.0.0.1"])
    with pytest.raises(CallRefusedError, match="not called"):
        Destinations(OutboundSettings(ports=(1,))).check_host(str(address), 2)
    assert HostRules().read(str(address)) == address
    if str(address) != "10.0.0.1":
        with pytest.raises(CallRefusedError):
            rules.read(str(address))


@given(V4, st.sampled_from([32, 40, 48, 56, 64, 96]), st.integers(0, 2**128 - 1))
def test_nat64_there_and_back(inner, length, noise):
    prefix = IPv6Network((noise >> (128 - length) << (128 - length), length))
    octets = bytearray(prefix.network_address.packed)
    at = length // 8
    for octet in inner.packed:
        if at == 8 and length != 96:
            at += 1
        octets[at] = octet
        at += 1
    assert embedded(IPv6Address(bytes(octets)), length) == inner


@given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
def test_no_text_is_more_than_refused(text):
    destinations = Destinations(OutboundSettings())
    with contextlib.suppress(CallRefusedError):
        destinations.check_text(text)


@given(st.lists(st.text("0123456789abcdef.:%x ", max_size=20), max_size=4))
def test_answers_are_addresses_or_refused(answers):
    destinations = Destinations(OutboundSettings())
    try:
        found = destinations.check_answers("example.com", 443, answers)
    except OutboundError:
        return
    assert [ip_address(answer) for answer in answers] == list(found)
    assert not any(RULES.refusal_of(address) for address in found)
