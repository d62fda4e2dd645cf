"""Whether a session is used where it began."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pipeline.asgi import make_exchange
from tests.sessions.fakes import World
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import Exchange
from zenith.sessions import DeviceBinding, SessionRecord, SessionScheme
from zenith.sessions.binding import network_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER = "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"
TELEPHONE = "Mozilla/5.0 (Android 16; Mobile; rv:151.0) Gecko/151.0 Firefox/151.0"

RECORD = SessionRecord(
    id="s",
    account_id="ada",
    kind="browser",
    digest=None,
    created_at=0.0,
    last_seen_at=0.0,
    idle_expires_at=1.0,
    expires_at=1.0,
    address="192.0.2.7",
    user_agent=FIREFOX,
)


def breach(binding, *, address="192.0.2.7", user_agent=FIREFOX, record=RECORD):
    return DeviceBinding(binding).breach(record, address=address, user_agent=user_agent)


@pytest.mark.parametrize("user_agent", [FIREFOX, NEWER, FIREFOX + "\x00", FIREFOX + "x" * 9999])
def test_a_newer_version_is_the_same_device(user_agent):
    assert breach("user_agent", user_agent=user_agent) == ""


@pytest.mark.parametrize("user_agent", [CHROME, TELEPHONE, "", "curl/8.0", "odd/1"])
def test_another_browser_or_system_is_another_device(user_agent):
    assert breach("user_agent", user_agent=user_agent) == "user_agent"
    assert breach("both", user_agent=user_agent) == "user_agent"
    assert breach("network", user_agent=user_agent) == ""


def test_devices_without_a_known_name_are_told_apart_by_what_they_call_themselves():
    record = replace(RECORD, user_agent="Robot/1.0")
    assert breach("user_agent", record=record, user_agent="Robot/2.0") == ""
    assert breach("user_agent", record=record, user_agent="Droid/1.0") == "user_agent"
    silent = replace(RECORD, user_agent="")
    assert breach("user_agent", record=silent, user_agent="") == ""
    assert breach("user_agent", record=silent, user_agent="Robot/1.0") == "user_agent"


@pytest.mark.parametrize(
    ("began", "address", "same"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.200", True),
        ("192.0.2.7", "::ffff:192.0.2.9", True),
        ("192.0.2.7", "192.0.3.7", False),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::9", True),
        ("2001:db8:1:2::3", "2001:db8:2:2::3", False),
        ("192.0.2.7", "2001:db8::1", False),
        ("192.0.2.7", "unknown", False),
        ("unknown", "unknown", True),
        ("unknown", "unknown\x00", True),
    ],
)
def test_networks(began, address, same):
    record = replace(RECORD, address=began)
    found = breach("network", record=record, address=address)
    assert found == ("" if same else "network")
    assert breach("both", record=record, address=address) == found
    assert breach("user_agent", record=record, address=address) == ""


def test_networks_have_names():
    assert network_of("192.0.2.7") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of("odd") == "odd"


class Watch:
    """Ends what comes from elsewhere, as the one of accounts does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.binding = DeviceBinding("network")
        self.seen: list[str] = []

    def breach(self, record: SessionRecord, exchange: Exchange) -> str:
        return self.binding.breach(record, address=exchange.client, user_agent="")

    async def end(self, record: SessionRecord, breach: str, exchange: Exchange) -> None:
        self.seen.append(breach)
        await self.world.sessions.end(record.id, account_id=record.account_id)


async def test_a_session_from_elsewhere_ends_whether_it_was_cached_or_not():
    for warm in (True, False):
        world = World()
        watch = Watch(world)
        scheme = SessionScheme(
            world.sessions,
            world.subjects,
            world.revocations,
            world.settings,
            watch=watch,
            clock=world.time,
            steady=world.steady,
        )
        _, cookie = await world.sessions.start("ada", kind="browser", address="192.0.2.7")
        headers = [("cookie", f"{world.settings.cookie}={cookie}")]
        home = make_exchange(headers=headers, client="192.0.2.9")
        if warm:
            principal = await scheme.authenticate(home)
            assert principal is not None
            again = make_exchange(headers=headers, client="192.0.2.9")
            assert scheme.recall(again) is principal
        away = make_exchange(headers=headers, client="198.51.100.1")
        assert scheme.recall(away) is None
        assert await scheme.authenticate(away) is None
        assert watch.seen == ["network"]
        assert await scheme.authenticate(make_exchange(headers=headers, client="192.0.2.9")) is None


async def test_a_session_at_home_goes_on():
    world = World()
    scheme = SessionScheme(
        world.sessions,
        world.subjects,
        world.revocations,
        world.settings,
        watch=Watch(world),
        clock=world.time,
        steady=world.steady,
    )
    assert scheme.recall(make_exchange()) is ANONYMOUS
    _, cookie = await world.sessions.start("ada", kind="browser", address="203.0.113.9")
    exchange = make_exchange(headers=[("cookie", f"{world.settings.cookie}={cookie}")])
    assert scheme.recall(exchange) is None
    principal = await scheme.authenticate(exchange)
    assert principal is not None
    # The digest is known by now.
    assert scheme.recall(exchange) is principal
    world.source.subjects.clear()
    world.pass_time(2)
    assert scheme.recall(exchange) is None
    assert await scheme.authenticate(exchange) is None
