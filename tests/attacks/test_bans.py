"""Somebody who was told to stay away comes back: by another process, an address beside his own, a
WebSocket, another credential; or uses bans to keep others out.

Bans hold in every process, at the door and once the caller is known. What bans by itself counts
whole clients, spares proxies and private networks, forgets, and never bans for ever (ASVS 2.4.1).
"""

from __future__ import annotations

from typing import Any

from tests.pipeline.asgi import SignedInAs, ask, connect, hello, make_scope, websocket_scope
from zenith.abuse.bans import BanGuard, Bans, BanSettings, PrincipalBanGuard
from zenith.kernel.errors import NotFoundError
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, Guard, SecurityMiddleware, Stage
from zenith.stores.memory import MemoryBanStore
from zenith.transport import TransportGuard, TransportSettings

EVIL = "203.0.113.66"


class Nowhere(Guard):
    """Nothing is found below /missing, nor where scanners look."""

    stage = Stage.AUTHORIZATION

    def on_request(self, exchange: Exchange) -> None:
        if exchange.path != "/":
            raise NotFoundError


class World:
    def __init__(self, settings: BanSettings | None = None, **options: Any) -> None:
        self.now = 1000.0
        self.store = options.pop("store", None) or MemoryBanStore()
        self.bans = Bans(self.store, settings, clock=lambda: self.now)
        transport = TransportSettings(allow_any_host=True, **options)
        guards = [TransportGuard(transport), BanGuard(self.bans), Nowhere()]
        self.app = SecurityMiddleware(hello, guards=guards)

    async def status(self, client: str = EVIL, path: str = "/", **scope: Any) -> int:
        answer = await ask(self.app, make_scope(path=path, client=client, **scope))
        return int(answer.status)


async def test_the_banned_are_refused_until_it_ends() -> None:
    world = World()
    await world.bans.ban(EVIL, reason="do not tell", seconds=90)
    answer = await ask(world.app, make_scope(client=EVIL))
    assert answer.status == 403
    assert answer.headers[b"retry-after"] == b"90"
    assert b'"code": "banned"' in answer.body
    assert b"do not tell" not in answer.body
    assert await world.status("203.0.113.67") == 200
    world.now += 90
    assert await world.status() == 200
    await world.bans.ban(EVIL, reason="for good")
    answer = await ask(world.app, make_scope(client=EVIL))
    assert (answer.status, b"retry-after" in answer.headers) == (403, False)


async def test_neighbours_in_the_own_ipv6_network_are_the_same_client() -> None:
    world = World()
    await world.bans.ban("2001:db8:1:2::5", reason="scans")
    assert await world.status("2001:db8:1:2:ffff::9") == 403
    assert await world.status("2001:db8:1:3::5") == 200
    await world.bans.ban("198.51.100.7", reason="scans")
    assert await world.status("::ffff:198.51.100.7") == 403


async def test_a_websocket_is_no_way_in() -> None:
    world = World()
    await world.bans.ban(EVIL, reason="scans")
    answer = await connect(world.app, websocket_scope(client=EVIL))
    assert answer.messages[0]["type"] == "websocket.close"
    assert (await connect(world.app, websocket_scope())).messages[0]["type"] == "websocket.accept"


async def test_another_process_refuses_too() -> None:
    here = World()
    there = World(store=here.store)
    await there.bans.refresh()
    await here.bans.ban(EVIL, reason="scans", seconds=60)
    await there.bans.refresh()
    assert await there.status() == 403


async def test_a_forged_header_neither_hides_nor_frames() -> None:
    world = World(trusted_proxies=("198.51.100.1",))
    await world.bans.ban(EVIL, reason="scans")
    forged = [("x-forwarded-for", "203.0.113.5")]
    assert await world.status(headers=forged) == 403
    for _ in range(9):
        await world.status("203.0.113.99", "/.env", headers=forged)
    assert world.bans.banned.of_address("203.0.113.5") is None
    assert world.bans.banned.of_address("203.0.113.99") is not None
    assert await world.status("198.51.100.1", headers=[("x-forwarded-for", EVIL)]) == 403


async def test_scanners_are_stopped_whatever_case_and_neighbours_live() -> None:
    world = World()
    for path in ("/wp-login.php", "/.ENV", "/.git/HEAD"):
        assert await world.status(path=path) == 404
    assert await world.status() == 403
    assert await world.status("203.0.113.65") == 200
    assert await world.status("203.0.113.64", "/missing") == 404
    for _ in range(99):
        await world.status("203.0.113.64", "/missing")
    assert await world.status("203.0.113.64") == 200


async def test_who_is_refused_for_a_ban_does_not_make_it_longer() -> None:
    world = World()
    for _ in range(3):
        await world.status(path="/.env")
    await world.bans.refresh()
    until = world.bans.banned.of_address(EVIL)
    for _ in range(50):
        assert await world.status(path="/.env") == 403
    assert len(world.bans.rules) == 0
    await world.bans.refresh()
    assert world.bans.banned.of_address(EVIL) == until == 1600.0


async def test_a_proxy_that_nobody_named_does_not_ban_everybody() -> None:
    world = World()
    for _ in range(50):
        assert await world.status("10.0.0.5", "/.env") == 404
    assert await world.status("10.0.0.5") == 200


async def test_a_banned_account_comes_by_no_credential() -> None:
    bans = Bans(MemoryBanStore())
    callers = {
        "session": Principal(subject="ann", scheme="session"),
        "key": Principal(subject="key-1", kind="api_key", scheme="api_key"),
        "other": Principal(subject="key-2", kind="api_key", scheme="api_key"),
        "nobody": None,
    }
    owners = {"key-1": "ann", "key-2": None}

    async def statuses(owner_of: Any = None) -> list[int]:
        found: list[int] = []
        for principal in callers.values():
            guards: list[Guard] = [PrincipalBanGuard(bans, owner_of=owner_of)]
            if principal is not None:
                guards.insert(0, SignedInAs(principal))
            answer = await ask(SecurityMiddleware(hello, guards=guards), make_scope())
            found.append(int(answer.status))
        return found

    def owner_of(exchange: Exchange) -> str | None:
        return owners[exchange.principal.subject]

    assert await statuses(owner_of) == [200, 200, 200, 200]
    await bans.ban("account:ann", reason="spam")
    assert await statuses(owner_of) == [403, 403, 200, 200]
    assert await statuses() == [403, 200, 200, 200]
    await bans.lift("account:ann")
    await bans.ban("api_key:key-2", reason="leaked")
    assert await statuses(owner_of) == [200, 200, 403, 200]


async def test_a_million_addresses_fill_no_memory() -> None:
    """The counts of refusals are bounded; see also max_automatic."""
    bans = Bans(MemoryBanStore(), BanSettings(max_automatic=100))
    for number in range(11_000):
        client = f"203.{number >> 8 & 255}.{number & 255}.9"
        for _ in range(3 if number < 500 else 1):
            bans.refused("trap", client)
    assert len(bans.rules) <= 10_000
    assert len(bans.banned) == 100


async def test_a_page_of_another_site_gets_no_visitor_banned() -> None:
    """Images at trap paths, on a page of the attacker or in a post of the application's own."""
    settings = BanSettings(on_not_found="5/60", on_credential="5/60")
    for site, mode in (("cross-site", "no-cors"), ("same-site", "navigate"),
                       ("same-origin", "no-cors")):  # fmt: skip
        world = World(settings)
        made = [("sec-fetch-site", site), ("sec-fetch-mode", mode)]
        for path in ("/.env", "/missing"):
            for _ in range(20):
                assert await world.status(path=path, headers=made) == 404
        assert await world.status() == 200
        assert len(world.bans.rules) == 0
    # Who asks by himself is not spared.
    typed = [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]
    for _ in range(3):
        await world.status(path="/.env", headers=typed)
    assert await world.status() == 403


async def test_a_mail_program_that_looks_for_its_settings_is_no_scanner() -> None:
    """Outlook asks the domain of each mail address, for a whole office behind one address."""
    world = World()
    for _ in range(20):
        await world.status(path="/autodiscover/autodiscover.xml")
    assert await world.status() == 200
