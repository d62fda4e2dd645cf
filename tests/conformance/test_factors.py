"""Every store of second factors keeps the contract of `zenith.mfa.store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from zenith.accounts import PendingSignIn
from zenith.accounts.store import Account
from zenith.mfa import FactorCounts, PasskeyRecord, TotpRecord, TrustedDevice
from zenith.stores.memory import MemoryFactorStore, MemoryPendingStore
from zenith.stores.sql import (
    SqlChallengeStore,
    SqlFactorStore,
    SqlPasskeyStore,
    SqlPendingStore,
    SqlTrustedDeviceStore,
)

RACERS = 200
A_FEW = 40
NOW = 1000.0
APP = TotpRecord(account_id="ada", secret="sealed", last_step=5, created_at=NOW)
KEY = PasskeyRecord(
    id="k1",
    account_id="ada",
    credential_id="c1",
    public_key="p1",
    sign_count=3,
    transports=("internal", "usb"),
    name="Laptop",
    aaguid="00000000-0000-0000-0000-000000000000",
    backup_eligible=True,
    backed_up=False,
    created_at=NOW,
)
DEVICE = TrustedDevice(
    id="d1",
    account_id="ada",
    digest="d" * 64,
    password_state="1.0",
    created_at=NOW,
    expires_at=NOW + 100,
    last_used_at=NOW,
    address="198.51.100.7",
    user_agent="test",
)
PENDING = PendingSignIn(
    digest="a" * 64,
    account_id="ada",
    kind="browser",
    factors={"password": NOW},
    password_state="1.0",
    expires_at=NOW + 100,
)


class Stores:
    """The stores of one place."""

    def __init__(self, database):
        if database is None:
            self.factors = self.passkeys = self.devices = self.challenges = MemoryFactorStore()
            self.pending = MemoryPendingStore()
        else:
            self.factors, self.passkeys = SqlFactorStore(database), SqlPasskeyStore(database)
            self.devices = SqlTrustedDeviceStore(database)
            self.challenges, self.pending = SqlChallengeStore(database), SqlPendingStore(database)


@pytest.fixture
async def stores(place, accounts):
    for name in ("ada", "ben"):
        email = f"{name}@example.org"
        await accounts.create(Account(id=name, email=email, email_key=email, created_at=0.0))
    return Stores(place.database)


async def winners(attempts):
    return [each for each in await asyncio.gather(*attempts) if each]


async def trusted(stores, account_id="ada", state="1.0", now=NOW):
    return await stores.devices.trusted_of(account_id, password_state=state, now=now)


async def test_an_app(stores):
    factors = stores.factors
    assert await factors.totp_of("ada") is None
    assert await factors.add_totp(APP)
    assert not await factors.add_totp(replace(APP, secret="other"))
    assert await factors.totp_of("ada") == APP
    assert await factors.counts("ada") == FactorCounts(totp=True)
    assert await factors.counts("ben") == FactorCounts()
    assert await factors.reseal_totp(APP, "fresh")
    assert not await factors.reseal_totp(APP, "again")
    assert not await factors.advance_totp(APP, step=6, now=NOW)
    fresh = replace(APP, secret="fresh")
    assert await factors.advance_totp(fresh, step=6, now=NOW + 1)
    assert not await factors.advance_totp(fresh, step=6, now=NOW + 2)
    assert not await factors.advance_totp(fresh, step=5, now=NOW + 2)
    assert await factors.totp_of("ada") == replace(fresh, last_step=6, last_used_at=NOW + 1)
    assert not await factors.advance_totp(replace(APP, account_id="ben"), step=9, now=NOW)
    assert not await factors.reseal_totp(replace(APP, account_id="ben"), "x")
    assert await factors.remove_totp("ada")
    assert not await factors.remove_totp("ada")


async def test_a_code_is_accepted_for_one_of_many(stores):
    await stores.factors.add_totp(APP)
    won = await winners(stores.factors.advance_totp(APP, step=6, now=NOW) for _ in range(RACERS))
    assert len(won) == 1


async def test_what_was_added_lately_goes(stores):
    factors = stores.factors
    assert not await factors.remove_since("ada", 0.0)
    await factors.add_totp(APP)
    await stores.passkeys.add_passkey(replace(KEY, created_at=APP.created_at + 10), limit=5)
    await factors.set_recovery_codes("ada", ["1" * 64])
    await stores.devices.trust(DEVICE, keep=5)
    assert await factors.remove_since("ada", APP.created_at + 10)
    assert await factors.counts("ada") == FactorCounts(totp=True)
    assert not await trusted(stores)
    assert await factors.remove_since("ada", APP.created_at)
    assert await factors.counts("ada") == FactorCounts()


async def test_passkeys_that_stay_open_nothing_alone(stores):
    await stores.passkeys.add_passkey(KEY, limit=5)
    assert await stores.factors.remove_since("ada", KEY.created_at + 1)
    assert await stores.passkeys.passkey("c1") == replace(KEY, second_only=True)
    assert not await stores.factors.remove_since("ada", KEY.created_at + 1)
    late = replace(KEY, id="k2", credential_id="c2", created_at=KEY.created_at + 2)
    await stores.passkeys.add_passkey(late, limit=5)
    assert not (await stores.passkeys.passkey("c2")).second_only


async def test_passkeys_are_demoted_and_stay(stores):
    assert not await stores.factors.demote_passkeys("ada")
    await stores.passkeys.add_passkey(KEY, limit=5)
    assert not await stores.factors.demote_passkeys("ben")
    assert await stores.factors.demote_passkeys("ada")
    assert await stores.passkeys.passkey("c1") == replace(KEY, second_only=True)
    assert not await stores.factors.demote_passkeys("ada")


async def test_recovery_codes(stores):
    factors = stores.factors
    digests = [str(number) * 64 for number in range(3)]
    assert await factors.set_recovery_codes("ada", digests, only_first=True)
    assert not await factors.set_recovery_codes("ada", ["9" * 64], only_first=True)
    assert (await factors.counts("ada")).recovery_codes == 3
    assert not await factors.spend_recovery_code("ben", digests[0])
    assert await factors.spend_recovery_code("ada", digests[0])
    assert not await factors.spend_recovery_code("ada", digests[0])
    assert await factors.set_recovery_codes("ada", ["8" * 64])
    assert not await factors.spend_recovery_code("ada", digests[1])
    assert await factors.spend_recovery_code("ada", "8" * 64)


async def test_a_recovery_code_serves_one_of_many(stores):
    await stores.factors.set_recovery_codes("ada", ["1" * 64])
    spend = stores.factors.spend_recovery_code
    assert len(await winners(spend("ada", "1" * 64) for _ in range(RACERS))) == 1


async def test_passkeys(stores):
    passkeys = stores.passkeys
    assert await passkeys.add_passkey(KEY, limit=2) == "added"
    assert await passkeys.add_passkey(replace(KEY, id="k2"), limit=2) == "exists"
    assert await passkeys.add_passkey(replace(KEY, id="k2", account_id="ben"), limit=2) == "exists"
    second = replace(KEY, id="k2", credential_id="c2", created_at=NOW + 1)
    assert await passkeys.add_passkey(second, limit=2) == "added"
    third = replace(KEY, id="k3", credential_id="c3")
    assert await passkeys.add_passkey(third, limit=2) == "full"
    assert list(await passkeys.passkeys_of("ada")) == [KEY, second]
    assert list(await passkeys.passkeys_of("ben")) == []
    assert await passkeys.passkey("c1") == KEY
    assert await passkeys.passkey("c9") is None
    assert await passkeys.rename_passkey("ada", "k1", "Phone")
    assert not await passkeys.rename_passkey("ben", "k1", "Mine")
    assert (await passkeys.passkey("c1")).name == "Phone"
    assert not await passkeys.remove_passkey("ben", "k1")
    assert await passkeys.remove_passkey("ada", "k1")
    assert not await passkeys.remove_passkey("ada", "k1")
    assert await stores.factors.counts("ada") == FactorCounts(passkeys=1)


@pytest.mark.parametrize(
    ("stored", "presented", "accepted"),
    [(0, 0, True), (0, 1, True), (3, 4, True), (3, 3, False), (3, 2, False), (3, 0, False)],
)
async def test_a_sign_count_only_grows(stores, stored, presented, accepted):
    await stores.passkeys.add_passkey(replace(KEY, sign_count=stored), limit=2)
    use = {"sign_count": presented, "backed_up": True, "now": NOW + 5}
    assert await stores.passkeys.use_passkey("k1", **use) is accepted
    after = await stores.passkeys.passkey("c1")
    assert (after.last_used_at, after.backed_up) == ((NOW + 5, True) if accepted else (None, False))
    assert not await stores.passkeys.use_passkey("k9", **use)


async def test_a_count_is_used_once(stores):
    await stores.passkeys.add_passkey(KEY, limit=2)
    use = {"sign_count": 4, "backed_up": False, "now": NOW}
    won = await winners(stores.passkeys.use_passkey("k1", **use) for _ in range(A_FEW))
    assert len(won) == 1


async def test_trusted_devices(stores):
    devices = stores.devices
    await devices.trust(DEVICE, keep=2)
    use = {"account_id": "ada", "password_state": "1.0", "now": NOW + 1}
    assert await devices.use_trusted(DEVICE.digest, **use)
    for other in (
        {"account_id": "ben"},
        {"password_state": "2.0"},
        {"now": DEVICE.expires_at},
    ):
        assert not await devices.use_trusted(DEVICE.digest, **(use | other))
    assert not await devices.use_trusted("e" * 64, **use)
    assert list(await trusted(stores)) == [replace(DEVICE, last_used_at=NOW + 1)]
    assert list(await trusted(stores, state="2.0")) == []
    for number in (2, 3):
        more = replace(DEVICE, id=f"d{number}", digest=str(number) * 64, created_at=NOW + number)
        await devices.trust(more, keep=2)
    assert {each.id for each in await trusted(stores)} == {"d2", "d3"}
    assert await devices.distrust("ben", "d2") == 0
    assert await devices.distrust("ada", "d2") == 1
    assert await devices.distrust("ada") == 1
    await devices.trust(DEVICE, keep=2)
    assert await stores.challenges.prune(now=DEVICE.expires_at) == 1


async def test_a_change_of_factors_ends_trust(stores):
    factors, passkeys = stores.factors, stores.passkeys

    async def changes(change):
        await stores.devices.trust(DEVICE, keep=9)
        assert await change
        assert list(await trusted(stores)) == []

    await changes(factors.add_totp(APP))
    await changes(passkeys.add_passkey(KEY, limit=9))
    await changes(factors.set_recovery_codes("ada", ["1" * 64]))
    await changes(passkeys.remove_passkey("ada", "k1"))
    assert (await factors.counts("ada")).recovery_codes == 1, "an app is left"
    await changes(factors.remove_totp("ada"))
    assert await factors.counts("ada") == FactorCounts(), "codes go with the last factor"
    await factors.add_totp(APP)
    await passkeys.add_passkey(KEY, limit=9)
    await factors.set_recovery_codes("ada", ["1" * 64])
    await changes(factors.remove_all("ada"))
    assert await factors.counts("ada") == FactorCounts()
    assert not await factors.remove_all("ada")


async def test_a_challenge_is_spent_once(stores):
    spend = stores.challenges.spend
    won = await winners(spend("c" * 64, expires_at=NOW) for _ in range(A_FEW))
    assert len(won) == 1
    assert await stores.challenges.prune(now=NOW - 1) == 0
    assert await stores.challenges.prune(now=NOW) == 1
    assert await spend("c" * 64, expires_at=NOW)


async def test_a_waiting_sign_in(stores):
    pending = stores.pending
    await pending.put(PENDING)
    found = {"kind": "browser", "now": NOW}
    assert await pending.find(PENDING.digest, **found) == PENDING
    for other in ({"kind": "tokens"}, {"now": PENDING.expires_at}):
        assert await pending.find(PENDING.digest, **(found | other)) is None
        assert await pending.attempt(PENDING.digest, limit=5, **(found | other)) is None
    assert await pending.find("b" * 64, **found) is None
    assert not await pending.consume(PENDING.digest, now=PENDING.expires_at)
    assert await pending.prune(now=NOW) == 0
    assert await pending.prune(now=PENDING.expires_at) == 1
    assert not await pending.consume(PENDING.digest, now=NOW)


async def test_what_waits_for_an_account_ends_at_once(stores):
    pending = stores.pending
    others = replace(PENDING, digest="c" * 64, account_id="ben")
    for each in (PENDING, replace(PENDING, digest="b" * 64, kind="tokens"), others):
        await pending.put(each)
    assert await pending.end_all("ada") == 2
    assert await pending.end_all("ada") == 0
    assert not await pending.consume(PENDING.digest, now=NOW)
    assert await pending.consume(others.digest, now=NOW)
    await pending.put(PENDING)
    assert await pending.prune(now=PENDING.expires_at) == 1


async def test_tries_are_counted_and_it_is_spent_once(stores):
    await stores.pending.put(PENDING)

    def attempt():
        return stores.pending.attempt(PENDING.digest, kind="browser", now=NOW, limit=5)

    tries = await winners(attempt() for _ in range(A_FEW))
    assert sorted(each.attempts for each in tries) == [1, 2, 3, 4, 5]
    consume = stores.pending.consume
    assert len(await winners(consume(PENDING.digest, now=NOW) for _ in range(A_FEW))) == 1


async def test_memory_is_bounded():
    pending = MemoryPendingStore(max_entries=2)
    for number in range(3):
        await pending.put(replace(PENDING, digest=str(number), expires_at=NOW + number + 1))
    assert await pending.find("0", kind="browser", now=NOW) is None
    assert await pending.find("2", kind="browser", now=NOW) is not None
