"""The attack: a guessing tool that runs for an hour and a day, from one address and from a
thousand, at one account and at many, as fast as it is let, doing all the work that it is asked for
(ASVS 6.3.1; SP 800-63B-4 section 3.2.2). The numbers are those of docs/explanation/lockout.md."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import KEY
from tests.accounts.fakes import Time
from zenith.abuse import AbuseSettings, Attempts, ProofRequiredError, solve
from zenith.kernel.errors import RateLimitError
from zenith.stores.memory import MemoryAttemptStore

HOUR, DAY = 3_600.0, 86_400.0
SETTINGS = AbuseSettings(proof_numbers=4)


class Tool:
    """Guesses at one account from one address after the other, whenever one of them may."""

    def __init__(self, settings=SETTINGS, *, works=True):
        self.time = Time(0.0)
        self.attempts = Attempts(MemoryAttemptStore(), [KEY], settings, clock=self.time)
        self.works = works
        self.guesses = 0

    async def guess(self, account, address, device=None):
        """Guess, if need be after the work; seconds to wait if that did not do."""
        proof = ""
        for _ in range(2):
            try:
                await self.attempts.admit(account, address=address, device=device, proof=proof)
            except ProofRequiredError as error:
                if not self.works or proof:
                    return error.retry_after
                proof = solve(error.challenge.as_json())
            except RateLimitError as error:
                return error.retry_after
            else:
                self.guesses += 1
                return 0.0
        return 1.0

    async def run(self, account, addresses, seconds):
        """Each address again as soon as it may."""
        due = dict.fromkeys(addresses, 0.0)
        while (at := min(due.values())) <= seconds:
            self.time.now = max(self.time.now, at)
            for address in [each for each, when in due.items() if when <= self.time.now]:
                due[address] = self.time.now + await self.guess(account, address)


def addresses(count):
    return [f"address-{number}" for number in range(count)]


async def test_one_address_for_an_hour_and_a_day():
    tool = Tool()
    await tool.run("ada", addresses(1), HOUR)
    assert tool.guesses <= 20
    await tool.run("ada", addresses(1), DAY)
    assert tool.guesses <= 25
    # ... and everybody else at another address comes in as ever.
    assert await tool.guess("ada", "elsewhere") == 0.0


@pytest.mark.parametrize("works", [True, False], ids=["works", "waits"])
async def test_many_addresses_for_an_hour_and_a_day(works):
    tool = Tool(works=works)
    await tool.run("ada", addresses(200), HOUR - 1)
    assert tool.guesses <= 100
    await tool.run("ada", addresses(200), DAY)
    assert tool.guesses <= 105


async def test_a_thousand_addresses_at_the_same_moment_are_counted_exactly():
    tool = Tool()
    waits = await asyncio.gather(*(tool.guess("ada", each) for each in addresses(1_000)))
    assert tool.guesses == 100
    assert waits.count(0.0) == 100
    idle = Tool(works=False)
    await asyncio.gather(*(idle.guess("ada", each) for each in addresses(1_000)))
    assert idle.guesses == SETTINGS.proof_after


async def test_one_address_at_a_thousand_accounts_must_work():
    idle = Tool(works=False)
    for number in range(1_000):
        await idle.guess(f"account-{number}", "address")
    assert idle.guesses == SETTINGS.address_proof_after


async def test_unknown_accounts_go_the_same_way():
    """The engine is given a name and never learns whether there is such an account."""
    answers = {}
    for name in ("ada", "nobody"):
        tool = Tool(works=False)
        answers[name] = [await tool.guess(name, f"a{n % 40}") for n in range(120)]
    assert answers["ada"] == answers["nobody"]
