from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from zenith.abuse.bans import (
    Ban,
    Bans,
    BanSettings,
    BanTarget,
    NeverBannedError,
    RefusalRules,
    SelfBanError,
)
from zenith.api_keys import APIKeyError
from zenith.kernel.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    PermissionDeniedError,
    ServiceUnavailableError,
    ValidationError,
)
from zenith.kernel.events import Event, EventType
from zenith.kernel.network import parse_networks
from zenith.stores.memory import MemoryBanStore
from zenith.tokens import TokenError

SCANNER = "203.0.113.7"


class Events:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    async def record(self, event: Event) -> None:
        self.seen.append(event)

    def note(self, event: Event) -> None:
        self.seen.append(event)


class Moody(MemoryBanStore):
    """Cannot be asked while it is away; says when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = asyncio.Event()

    async def since(self, moment: float, *, alive_at: float) -> Sequence[Ban]:
        self.asked.set()
        if self.away:
            raise ServiceUnavailableError(reason="a test")
        return await super().since(moment, alive_at=alive_at)

    async def questions(self, count: int) -> None:
        for _ in range(count):
            self.asked.clear()
            await asyncio.wait_for(self.asked.wait(), 5)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def spree(bans: Bans, client: str, times: int = 3, rule: str = "trap") -> None:
    for _ in range(times):
        bans.refused(rule, client)


async def test_a_ban_is_made_lifted_and_told(time: Time) -> None:
    events = Events()
    bans = Bans(MemoryBanStore(), events=events, clock=time)
    made = await bans.ban("account:a1", reason=" spam ", seconds=60, by="admin")
    assert (made.reason, made.until, made.made_by) == ("spam", 1060.0, "admin")
    assert bans.banned.of_subject("account", "a1") == 1060.0
    assert list(await bans.active()) == [made]
    assert await bans.lift("account:a1", by="admin") is True
    assert await bans.lift(BanTarget("account", "a1")) is False
    assert not bans.banned.has_subjects
    began, lifted = events.seen
    assert (began.type, began.subject, began.target) == (EventType.BAN_BEGAN, "admin", "account:a1")
    assert began.details["until"] == 1060.0
    assert lifted.type is EventType.BAN_LIFTED
    time.now += 10_000_000
    assert await bans.prune() == 1


@pytest.mark.parametrize(
    ("reason", "seconds"), [("", 60), ("a\nb", 60), ("x" * 301, 60), ("why", 0.5), ("why", 1e12)]
)
async def test_bans_need_a_reason_and_a_sensible_length(reason: str, seconds: float) -> None:
    with pytest.raises(ValidationError):
        await Bans(MemoryBanStore()).ban(SCANNER, reason=reason, seconds=seconds)


async def test_nobody_bans_themselves_by_mistake() -> None:
    bans = Bans(MemoryBanStore())
    own = [BanTarget.parse("203.0.113.9"), BanTarget.parse("account:me")]
    for target in ("203.0.113.0/24", "203.0.113.9", "account:me"):
        with pytest.raises(SelfBanError):
            await bans.ban(target, reason="why", own=own)
        assert len(bans.banned) == 0
        await bans.ban(target, reason="why", own=own, force=True)
        await bans.lift(target)
    await bans.ban("203.0.113.8", reason="why", own=own)


async def test_what_is_never_banned_is_not() -> None:
    proxies = parse_networks(["198.51.100.0/28"], setting="proxies")
    settings = BanSettings(never_banned=("203.0.113.0/28",))
    bans = Bans(MemoryBanStore(), settings, proxies=proxies)
    for target in ("203.0.113.7", "198.51.100.0/30"):
        with pytest.raises(NeverBannedError):
            await bans.ban(target, reason="why", force=True)
    await bans.ban("203.0.113.0/24", reason="a wide one")
    until = bans.banned.of_address("203.0.113.7")
    assert until is not None
    bans.refuse(until, "203.0.113.7")
    with pytest.raises(PermissionDeniedError):
        bans.refuse(until, "203.0.113.99")


async def test_a_spree_leads_to_a_ban_that_grows(time: Time) -> None:
    store, events = MemoryBanStore(), Events()
    bans = Bans(store, events=events, clock=time)
    lengths: list[float] = []
    for _ in range(10):
        spree(bans, SCANNER)
        assert bans.banned.of_address(SCANNER) is not None
        await bans.refresh()
        until = bans.banned.of_address(SCANNER)
        assert until is not None
        lengths.append(until - time.now)
        time.now = until
        bans.banned.expire(time.now)
    assert lengths[:4] == [600.0, 1200.0, 2400.0, 4800.0]
    assert lengths[-2:] == [86_400.0, 86_400.0]
    assert {event.subject for event in events.seen} == {"rule:trap"}
    time.now += 8 * 86_400
    spree(bans, SCANNER)
    await bans.refresh()
    assert bans.banned.of_address(SCANNER) == time.now + 600


async def test_the_same_spree_in_two_processes_is_one_offence(time: Time) -> None:
    store = MemoryBanStore()
    first, second = Bans(store, clock=time), Bans(store, clock=time)
    for bans in (first, second):
        spree(bans, SCANNER)
    for bans in (first, second, first):
        await bans.refresh()
        assert bans.banned.of_address(SCANNER) == 1600.0
    found = await store.find(BanTarget.parse(SCANNER))
    assert found is not None
    assert found.offences == 1


async def test_who_is_spared_and_when_it_is_enough() -> None:
    bans = Bans(MemoryBanStore(), BanSettings(max_automatic=1))
    for client in ("127.0.0.1", "10.1.2.3", "::1", "fd00::1", "unknown", "testclient"):
        spree(bans, client, times=9)
    assert len(bans.banned) == 0
    spree(bans, "203.0.113.7", times=2)
    assert len(bans.banned) == 0
    spree(bans, "203.0.113.7", times=1)
    spree(bans, "203.0.113.8")
    assert len(bans.banned) == 1
    await bans.refresh()
    assert len(await bans.active()) == 1


async def test_an_address_that_is_banned_for_longer_stays_so(time: Time) -> None:
    bans = Bans(MemoryBanStore(), clock=time)
    await bans.ban("203.0.113.0/24", reason="for good")
    spree(bans, SCANNER)
    assert bans.banned.of_address(SCANNER) == float("inf")
    await bans.lift("203.0.113.0/24")
    await bans.refresh()
    assert bans.banned.of_address(SCANNER) == 1600.0


async def test_news_come_beside_the_requests(caplog: pytest.LogCaptureFixture) -> None:
    store = Moody()
    here, there = Bans(store, interval=0.001), Bans(store, interval=0.001)
    await here.start()
    await here.start()
    await there.ban(SCANNER, reason="scans")
    await store.questions(2)
    assert here.banned.of_address(SCANNER) == float("inf")
    store.away = True
    with caplog.at_level(logging.WARNING, "zenith"):
        await store.questions(3)
    assert [record.message for record in caplog.records] == ["bans: no news from the store: a test"]
    assert here.banned.of_address(SCANNER) == float("inf")
    store.away = False
    spree(here, "203.0.113.8")
    await store.questions(2)
    assert [str(ban.target) for ban in await there.active()] == ["203.0.113.8", SCANNER]
    await here.stop()
    await here.stop()
    await there.stop()


async def test_news_go_on_after_an_answer_that_nobody_expected() -> None:
    """A value that is taken, say, while an automatic ban is stored: it ends one round, not all."""

    class Conflicts(Moody):
        is_taken = True

        async def offend(
            self, ban: Ban, *, durations: Sequence[float], memory: float
        ) -> Ban | None:
            if self.is_taken:
                self.is_taken = False
                raise ConflictError(reason="a test")
            return await super().offend(ban, durations=durations, memory=memory)

    store = Conflicts()
    bans = Bans(store, interval=0.001)
    await bans.start()
    spree(bans, SCANNER)
    await store.questions(2)
    assert [str(ban.target) for ban in await bans.active()] == [SCANNER]
    await bans.stop()


async def test_what_waits_is_stored_at_the_end() -> None:
    store = Moody()
    bans = Bans(store, interval=60)
    await bans.start()
    spree(bans, SCANNER)
    await bans.stop()
    assert len(await bans.active()) == 1
    await bans.start()
    spree(bans, "203.0.113.8")
    store.away = True
    await bans.stop()


def rule_of(
    status: int,
    failure: Exception | None = None,
    *,
    path: str = "/",
    route: str = "/",
    presented: bool = False,
    settings: BanSettings | None = None,
) -> str | None:
    every = BanSettings(on_forbidden="9/9", on_not_found="9/9")
    rules = RefusalRules(settings or every)
    return rules.rule_of(status, failure, path=path, route=route, presented=presented)  # type: ignore[arg-type]


def test_which_refusal_counts_for_which_rule() -> None:
    assert rule_of(404, path="/.env") == "trap"
    assert rule_of(404, path="/WP-Admin/x") == "trap"
    assert rule_of(400, BadRequestError(), path="/.git/config") == "trap"
    assert rule_of(404, path="/.env", route="/{path:path}") == "trap"
    assert rule_of(404, path="/actuator/x", route="/actuator/{name}") == "not_found"
    assert rule_of(404, path="/env") == "not_found"
    assert rule_of(400, BadRequestError()) == "malformed"
    assert rule_of(400) is None
    assert rule_of(403, PermissionDeniedError()) == "forbidden"
    assert rule_of(403, BadRequestError()) is None
    assert rule_of(401) is None
    assert rule_of(401, presented=True) == "credential"
    assert rule_of(401, TokenError("bad_signature"), presented=True) == "credential"
    assert rule_of(429) == "rate_limited"
    assert rule_of(500) is None
    assert rule_of(404, settings=BanSettings()) is None
    off = BanSettings(on_trap=None, on_malformed=None, on_credential=None, on_rate_limited=None)
    assert rule_of(404, path="/.env", settings=off) is None
    assert not RefusalRules(off)


def test_counts_begin_anew_and_are_bounded() -> None:
    rules = RefusalRules(BanSettings(on_trap="2/10"))
    assert [rules.count("trap", "a", now=now) for now in (0.0, 10.0, 19.0, 20.0, 21.0)] == [
        *(False, False, True),
        *(False, True),
    ]
    assert len(rules) == 0
    for number in range(10_050):
        rules.count("trap", str(number), now=0.0)
    assert len(rules) == 10_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_trap": "3"},
        {"on_trap": "0/60"},
        {"on_trap": "3/0"},
        {"on_trap": "3/90000"},
        {"trap_paths": (".env",)},
        {"trap_paths": ("/",)},
        {"first_ban": 1.0},
        {"longest_ban": 60.0},
        {"longest_ban": 1e9},
        {"offence_memory": 0.0},
        {"max_automatic": -1},
        {"never_banned": ("x",)},
        {"spared_networks": ("10.0.0.1/8",)},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        BanSettings(**wrong)  # type: ignore[arg-type]


def test_whose_token_or_key_has_run_out_guesses_nothing() -> None:
    """A school of five hundred, whose programs each learn every quarter of an hour to refresh."""
    for failure in (TokenError("expired", claim="exp"), APIKeyError("expired", key_id="k")):
        assert rule_of(401, failure, presented=True) is None
