"""The attack: get past the proof of work without doing it: by forged challenges, by one solution
used again or by many, by work done ahead of time or for another account, by numbers and types that
a careless reader takes for others (ASVS 6.3.1, 2.3.1)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import pytest

from tests.accounts.application import KEY
from tests.accounts.fakes import Time
from zenith.abuse import AbuseSettings, Attempts, ProofOfWork, ProofRequiredError, solve
from zenith.kernel.keys import Secret
from zenith.stores.memory import MemoryAttemptStore

NOW = 1_000_000.0
SOMEBODY = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")
SETTINGS = AbuseSettings(place_share=1, proof_after=2, lock_after=100, proof_numbers=20)


def altered(solution, **fields):
    document = json.loads(base64.b64decode(solution)) | fields
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.fixture
def work():
    return ProofOfWork([KEY])


@pytest.fixture
def challenge(work):
    return work.issue("ada", now=NOW, lifetime=60, numbers=50).as_json()


def test_a_challenge_of_ones_own_is_refused(work):
    own = ProofOfWork([SOMEBODY]).issue("ada", now=NOW, lifetime=60, numbers=1).as_json()
    assert work.check(solve(own), "ada", now=NOW) is None
    salt = own["salt"]
    easy = hashlib.sha256(f"{salt}0".encode()).hexdigest()
    for signature in (own["signature"], easy, "0" * 64, "", None, "\u0660" * 64):
        forged = altered(solve(own), challenge=easy, number=0, signature=signature)
        assert work.check(forged, "ada", now=NOW) is None


def test_a_challenge_is_for_one_account_and_a_short_time(work, challenge):
    solution = solve(challenge)
    assert work.check(solution, "eve", now=NOW) is None
    assert work.check(solution, "ad", now=NOW) is None
    salt = challenge["salt"]
    later = salt.replace("expires=1000060", "expires=9000060")
    for changed in (later, salt.replace("for=ada", "for=eve"), salt + "&", salt[:-1], f"x{salt}"):
        for subject in ("ada", "eve"):
            assert work.check(altered(solution, salt=changed), subject, now=NOW) is None
    assert work.check(solution, "ada", now=NOW + 61) is None


def test_digits_cannot_move_between_salt_and_number(work):
    """Otherwise one piece of work is many: the same hash with another salt and number."""
    generator = ProofOfWork([KEY], random_below=lambda _: 12345)
    challenge = generator.issue("ada", now=NOW, lifetime=60, numbers=20_000).as_json()
    solution = solve(challenge)
    assert work.check(solution, "ada", now=NOW) is not None
    for moved in range(1, 5):
        salt = challenge["salt"] + "12345"[:moved]
        spliced = altered(solution, salt=salt, number=int("12345"[moved:]))
        assert work.check(spliced, "ada", now=NOW) is None


def test_numbers_that_are_none(work, challenge):
    solution = solve(challenge)
    number = json.loads(base64.b64decode(solution))["number"]
    unlike = (f"{number}", float(number), f" {number}", True, None, -1, 1 << 80, [number])
    for other in unlike:
        assert work.check(altered(solution, number=other), "ada", now=NOW) is None
    for algorithm in ("SHA-1", "sha-256", "none", None, ["SHA-256"]):
        assert work.check(altered(solution, algorithm=algorithm), "ada", now=NOW) is None


async def asked(attempts, number=9_999, account="ada"):
    with pytest.raises(ProofRequiredError) as error:
        await attempts.admit(account, address=f"a{number}", device=None)
    return error.value


async def test_a_thousand_uses_of_one_solution_are_one():
    attempts = Attempts(MemoryAttemptStore(), [KEY], SETTINGS, clock=Time())
    for number in range(2):
        await attempts.admit("ada", address=f"{number}", device=None)
    proof = solve((await asked(attempts)).challenge.as_json())

    async def use(number):
        try:
            await attempts.admit("ada", address=f"b{number}", device=None, proof=proof)
        except ProofRequiredError:
            return 0
        return 1

    assert sum(await asyncio.gather(*(use(number) for number in range(1_000)))) == 1


async def test_work_for_an_account_of_ones_own_does_not_help_elsewhere():
    attempts = Attempts(MemoryAttemptStore(), [KEY], SETTINGS, clock=Time())
    for account in ("mallory", "ada"):
        for number in range(2):
            await attempts.admit(account, address=f"{number}", device=None)
    proof = solve((await asked(attempts, account="mallory")).challenge.as_json())
    with pytest.raises(ProofRequiredError):
        await attempts.admit("ada", address="b", device=None, proof=proof)
    await attempts.admit("mallory", address="b", device=None, proof=proof)


async def test_work_done_ahead_of_time_goes_stale():
    time = Time()
    attempts = Attempts(MemoryAttemptStore(), [KEY], SETTINGS, clock=time)
    for number in range(2):
        await attempts.admit("ada", address=f"{number}", device=None)
    hoard = [solve((await asked(attempts, n)).challenge.as_json()) for n in range(5)]
    time.now += SETTINGS.proof_lifetime + 1
    for number, proof in enumerate(hoard):
        with pytest.raises(ProofRequiredError):
            await attempts.admit("ada", address=f"c{number}", device=None, proof=proof)
