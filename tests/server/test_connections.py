"""How many connections there may be, and whom the limits are asked of."""

from __future__ import annotations

import asyncio
import sys

import pytest

from zenith.kernel.network import TrustedProxies, parse_networks
from zenith.server import ServerSettings, Serving, connections
from zenith.server.connections import Connections, open_files
from zenith.server.serving import serving_of


class Connection:
    def __init__(self, peer, reason=""):
        self.peer = peer
        self.reason = reason
        self.ended = ""

    def look(self, now):
        return self.reason

    def end(self, reason):
        self.ended = reason


async def make(files=None, **settings):
    proxies = TrustedProxies(parse_networks(["10.0.0.0/8"], setting="x"))
    serving = Serving(settings=ServerSettings(**settings), proxies=proxies)
    return Connections(serving, asyncio.get_running_loop(), files=files)


async def test_an_ipv6_network_is_one_address():
    all_of_them = await make(max_connections_per_address=1)
    assert all_of_them.enter(Connection("2001:db8::1")) == 0
    assert all_of_them.enter(Connection("2001:db8::2")) == 429
    assert all_of_them.enter(Connection("2001:db8:0:1::2")) == 0


async def test_proxies_and_sockets_in_the_file_system_are_not_counted_by_address():
    all_of_them = await make(max_connections_per_address=1)
    assert {all_of_them.enter(Connection(peer)) for peer in ("10.1.1.1", "10.1.1.1", "", "")} == {0}


async def test_who_has_left_is_forgotten():
    all_of_them = await make(max_connections_per_address=2)
    held = [Connection("192.0.2.1") for _ in range(2)]
    assert [all_of_them.enter(each) for each in held] == [0, 0]
    late = Connection("192.0.2.1")
    assert all_of_them.enter(late) == 429
    for each in (late, *held, late):
        all_of_them.leave(each)
    assert all_of_them._by_address == {}
    assert all_of_them.enter(Connection("192.0.2.1")) == 0


@pytest.mark.parametrize(
    ("files", "most", "limit"),
    [(None, 10, 10), (1024, 10_000, 960), (1024, None, 960), (10, 5, 1), (None, None, None)],
)
async def test_no_more_than_the_operating_system_allows(files, most, limit):
    assert (await make(files, max_connections=most)).limit == limit


async def test_without_limits_everybody_comes_in():
    all_of_them = await make(max_connections=None, max_connections_per_address=None)
    assert {all_of_them.enter(Connection("192.0.2.1")) for _ in range(300)} == {0}


async def test_others_have_their_turn_while_many_are_looked_at(monkeypatch):
    monkeypatch.setattr(connections, "AT_ONCE", 2)
    all_of_them = await make(head_timeout=0.04, max_connections_per_address=None)
    many = [Connection("192.0.2.1", "idle") for _ in range(6)]
    for each in many:
        all_of_them.enter(each)
    ended = []
    all_of_them._look()
    for _ in range(4):
        ended.append(sum(bool(each.ended) for each in many))
        await asyncio.sleep(0)
    assert ended == [2, 4, 6, 6]


async def test_one_look_at_all_of_them():
    all_of_them = await make(head_timeout=0.04)
    slow, fast = Connection("192.0.2.1", "head too slow"), Connection("192.0.2.1")
    for each in (slow, fast):
        all_of_them.enter(each)
    await asyncio.sleep(0.03)
    assert (slow.ended, fast.ended) == ("head too slow", "")
    for each in (slow, fast):
        all_of_them.leave(each)
    await asyncio.sleep(0.03)
    assert not all_of_them._looking


def test_how_many_files_there_are(monkeypatch):
    import resource

    assert open_files() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 1))
    assert open_files() is None
    monkeypatch.setitem(sys.modules, "resource", None)
    assert open_files() is None


def test_the_application_is_found_behind_what_wraps_it():
    class Wrapped:
        def __init__(self, app):
            self.app = app

    application = Wrapped(None)
    application.serving = Serving(settings=ServerSettings(min_rate=7))
    assert serving_of(Wrapped(Wrapped(application))).settings.min_rate == 7
    assert serving_of(Wrapped(print)).settings == ServerSettings()
    endless = Wrapped(None)
    endless.app = endless
    assert serving_of(endless).settings == ServerSettings()


async def test_one_connection_that_breaks_the_look_keeps_none_from_it():
    class Broken(Connection):
        def look(self, now):
            raise AttributeError("a test")

    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    all_of_them = await make(head_timeout=0.01)
    broken, slow = Broken("192.0.2.1"), Connection("192.0.2.2", "head too slow")
    for each in (broken, slow):
        all_of_them.enter(each)
    await asyncio.sleep(0.03)
    assert slow.ended == "head too slow"
    assert len(told) > 1
    for each in (broken, slow):
        all_of_them.leave(each)
