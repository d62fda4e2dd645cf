from __future__ import annotations

import httpcore
import pytest

from tests.outbound.servers import LOOPBACK, Names, inside, running
from zenith.outbound import CallRefusedError, OutboundTimeoutError, UnreachableError
from zenith.outbound.destinations import Destinations
from zenith.outbound.network import CheckedNetwork


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def network(names, *ports, clock=None, **settings):
    given = inside(*ports, **settings)
    return CheckedNetwork(Destinations(given), resolver=names, timeout=4.0, clock=clock or Clock())


class Deaf:
    """Sockets of addresses that do not answer; says what was tried, and for how long."""

    def __init__(self, clock, *, takes=0.0):
        self.clock, self.takes, self.tried = clock, takes, []

    async def connect_tcp(self, host, port, share, local_address, socket_options):
        self.tried.append((host, round(share, 2)))
        self.clock.now += self.takes
        raise httpcore.ConnectTimeout


async def test_the_next_address_is_tried():
    names = Names(a_example_com=[["127.0.0.9", "127.0.0.1"]])
    async with running() as site:
        fenced = network(names, site.port, exposed_internal_networks=("127.0.0.0/8",))
        stream = await fenced.connect_tcp("a.example.com", site.port)
        assert stream.get_extra_info("server_addr") == (LOOPBACK, site.port)
        await stream.aclose()


async def test_each_address_has_its_share_of_the_time():
    names = Names(a_example_com=[[f"1.1.1.{last}" for last in range(9)]])
    clock = Clock()
    fenced = network(names, clock=clock)
    fenced._sockets = deaf = Deaf(clock, takes=1.0)
    with pytest.raises(OutboundTimeoutError):
        await fenced.connect_tcp("a.example.com", 80)
    assert deaf.tried == [("1.1.1.0", 1.0), ("1.1.1.1", 1.0), ("1.1.1.2", 1.0), ("1.1.1.3", 1.0)]


async def test_no_more_is_tried_when_the_time_is_over():
    names = Names(a_example_com=[["1.1.1.1", "1.1.1.2"]])
    clock = Clock()
    fenced = network(names, clock=clock)
    fenced._sockets = deaf = Deaf(clock, takes=9.0)
    with pytest.raises(OutboundTimeoutError):
        await fenced.connect_tcp("a.example.com", 80, timeout=1.0)
    assert deaf.tried == [("1.1.1.1", 0.5)]
    fenced._sockets = deaf = Deaf(clock)
    with pytest.raises(UnreachableError):
        await fenced.connect_tcp("a.example.com", 80, timeout=60.0)
    assert deaf.tried == [("1.1.1.1", 2.0), ("1.1.1.2", 4.0)]


async def test_host_and_port_are_judged_here_too():
    fenced = network(Names())
    for host, port in (("10.0.0.1", 80), ("1.1.1.1", 22), ("localhost", 80), ("::1", 80)):
        with pytest.raises(CallRefusedError):
            await fenced.connect_tcp(host, port)


async def test_socket_files_are_not_opened():
    with pytest.raises(NotImplementedError):
        await network(Names()).connect_unix_socket("/run/docker.sock")
