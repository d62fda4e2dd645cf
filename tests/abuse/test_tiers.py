from __future__ import annotations

from dataclasses import replace

import pytest

from zenith.abuse import AbuseSettings, Attempt, Proof, Standing, Tiers

NOW = 1_000_000.0
SETTINGS = AbuseSettings(
    free_attempts=3,
    place_share=4,
    proof_after=5,
    address_proof_after=6,
    lock_after=8,
    proof_numbers=100,
)
STRANGER = Attempt(now=NOW, account="account", place="place", address="address", is_known=False)
KNOWN = replace(STRANGER, place="device", is_known=True)


class House:
    """Standings, and one attempt after the other."""

    def __init__(self, settings=SETTINGS):
        self.tiers = Tiers(settings)
        self.standings = {}
        self.now = NOW

    def try_(self, attempt=STRANGER, **more):
        attempt = replace(attempt, now=self.now, **more)
        found = {key: self.standings[key] for key in attempt.keys if key in self.standings}
        verdict, changes = self.tiers.judge(attempt, found)
        self.store(changes, attempt)
        return attempt, verdict

    def store(self, changes, attempt):
        assert set(changes) <= set(attempt.keys)
        for key, standing in changes.items():
            if standing is None:
                self.standings.pop(key, None)
            else:
                self.standings[key] = standing

    def tier(self, attempt=STRANGER, **more):
        return self.try_(attempt, **more)[1].tier

    def finish(self, how, tried):
        attempt, verdict = tried
        step = getattr(self.tiers, how)
        self.store(step(attempt, verdict, dict(self.standings))[1], attempt)


@pytest.fixture
def house():
    return House()


def test_delays_double_after_the_free_attempts():
    house = House(replace(SETTINGS, address_proof_after=99))
    waits = []
    for _ in range(7):
        assert house.tier() == "open"
        blocked = house.standings["place"].blocked_until
        waits.append(max(0.0, blocked - house.now))
        house.now = max(house.now, blocked)
    assert waits == [0, 0, 2, 4, 8, 16, 32]


def test_a_place_that_waits_is_told_how_long(house):
    for _ in range(3):
        house.try_()
    house.now += 0.5
    _, verdict = house.try_()
    assert (verdict.tier, verdict.retry_after) == ("delay", 1.5)


def test_delays_and_locks_stop_growing():
    house = House(replace(SETTINGS, longest_delay=10.0, longest_lock=60.0))
    house.standings = {
        "place": Standing(5_000, expires_at=NOW + 1),
        "account": Standing(4, expires_at=NOW + 1),
    }
    assert house.tier() == "open"
    assert house.standings["place"].blocked_until == NOW + 10
    house.standings = {
        "account": Standing(90_000, expires_at=NOW + 1),
        "place": Standing(waiting_until=NOW, expires_at=NOW + 1),
    }
    assert house.tier() == "open"
    assert house.standings["account"].blocked_until == NOW + 60


def test_one_place_cannot_use_up_the_account(house):
    for _ in range(50):
        house.try_()
        house.now += 86_400
        for key, standing in house.standings.items():
            house.standings[key] = replace(standing, expires_at=house.now + 9)
        house.standings["address"] = replace(house.standings["address"], failures=0)
    assert house.standings["account"].failures == SETTINGS.place_share
    assert house.tier(place="elsewhere", address="other") == "open"


def many(house, count, *, start=0):
    tiers = []
    for number in range(start, start + count):
        proof = Proof(f"proof:{number}", NOW + 99)
        tiers.append(house.tier(place=f"p{number}", address=f"a{number}", proof=proof))
    return tiers


def test_from_everywhere_it_takes_work_then_it_is_locked(house):
    assert many(house, 5) == ["open"] * 5
    _, verdict = house.try_(place="new", address="new")
    assert (verdict.tier, verdict.numbers, verdict.retry_after) == ("proof", 100, 600)
    assert many(house, 5, start=5) == ["open"] * 3 + ["lock"] * 2
    _, verdict = house.try_(place="new", address="new")
    assert (verdict.tier, verdict.retry_after) == ("lock", 3600)
    house.now += 3600
    assert house.tier(place="p3", address="a3") == "proof"
    assert many(house, 3, start=50) == ["open", "lock", "lock"]
    assert house.standings["account"].blocked_until == house.now + 7200


def test_work_grows_with_the_failures():
    house = House(replace(SETTINGS, lock_after=100))
    found = []
    for failures in (5, 24, 25, 45, 65, 85, 99):
        house.standings = {"account": Standing(failures, expires_at=NOW + 1)}
        found.append(house.try_()[1].numbers)
    assert found == [100, 100, 200, 400, 800, 800, 800]


def test_an_address_that_fails_everywhere_must_work(house):
    for number in range(6):
        assert house.tier(account=f"account{number}", place=f"p{number}") == "open"
    assert house.tier(account="new", place="new") == "proof"
    assert house.tier(account="new", place="elsewhere", address="other") == "open"
    house.now += SETTINGS.address_memory
    assert house.tier(account="new2", place="new2") == "open"


def test_a_proof_is_spent_once(house):
    many(house, 5)
    proof = Proof("proof:x", NOW + 99)
    assert house.tier(place="x", address="x", proof=proof) == "open"
    assert house.tier(place="y", address="y", proof=proof) == "proof"


def test_waiting_takes_the_place_of_work(house):
    many(house, 5)
    assert house.tier(place="x", address="x") == "proof"
    house.now += 599
    _, verdict = house.try_(place="x", address="x")
    assert (verdict.tier, verdict.retry_after) == ("proof", 1)
    house.now += 1
    assert house.tier(place="x", address="x") == "open"
    assert house.tier(place="x", address="x") == "proof"


def test_a_known_device_knows_nothing_of_strangers(house):
    many(house, 8)
    assert house.tier() == "lock"
    assert [house.tier(KNOWN) for _ in range(4)] == ["open"] * 3 + ["delay"]
    house.now += 2
    tried = house.try_(KNOWN)
    house.finish("succeeded", tried)
    assert [house.tier(KNOWN) for _ in range(4)] == ["open"] * 3 + ["delay"]
    assert house.standings["account"].failures == 8


def test_a_success_clears_the_place_and_forgives_no_stranger(house):
    many(house, 2)
    house.try_()
    tried = house.try_()
    house.finish("succeeded", tried)
    assert "place" not in house.standings
    assert house.standings["account"].failures == 3
    assert house.standings["address"].failures == 1


def test_what_was_not_looked_at_does_not_count(house):
    for _ in range(2):
        house.try_()
    before = dict(house.standings)
    tried = house.try_()
    assert house.standings["place"].blocked_until > house.now
    house.finish("undone", tried)
    for key, standing in before.items():
        assert house.standings[key].failures == standing.failures
        assert house.standings[key].blocked_until == 0
    assert house.tier() == "open"


def test_a_success_takes_back_the_lock_that_it_began(house):
    many(house, 7)
    attempt, verdict = house.try_(place="last", address="last", proof=Proof("proof:l", NOW + 9))
    assert verdict.began_lock
    assert house.standings["account"].blocked_until > house.now
    house.finish("succeeded", (attempt, verdict))
    assert house.standings["account"].blocked_until == 0
    assert house.standings["account"].failures == 7


def test_a_success_leaves_the_lock_of_others(house):
    house.standings["account"] = Standing(9, blocked_until=NOW + 50, expires_at=NOW + 99)
    tried = replace(STRANGER), replace(House().try_()[1], is_counted=True)
    house.finish("succeeded", tried)
    assert house.standings["account"] == Standing(8, NOW + 50, 0, NOW + 99)


def test_taking_back_what_was_forgotten_meanwhile_changes_nothing(house):
    tried = house.try_()
    house.standings = {"address": Standing(0, expires_at=NOW + 9)}
    house.finish("undone", tried)
    assert house.standings == {"address": Standing(0, expires_at=NOW + 9)}


def test_all_is_forgotten_in_time(house):
    many(house, 4)
    house.now += SETTINGS.memory
    assert many(house, 5) == ["open"] * 5
