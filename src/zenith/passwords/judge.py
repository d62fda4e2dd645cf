"""Judges new passwords: by the policy, and by breaches where that is turned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from zenith.passwords.breach import BreachChecker
from zenith.passwords.policy import PasswordPolicy, PasswordProblem, PolicyResult
from zenith.passwords.pool import HashingPool

_BREACHED: Final = PasswordProblem(
    "breached", "This password was in a data breach elsewhere: choose another one"
)


class PasswordJudge:
    """What decides whether a new password is taken.

    Threat: passwords that guessers try first (ASVS 6.2.4, 6.2.11, 6.2.12). The policy runs on the
    hashing pool, off the event loop; only a password that it takes is asked about elsewhere, and
    where no answer comes the policy's word holds.
    """

    def __init__(
        self, policy: PasswordPolicy, pool: HashingPool, breaches: BreachChecker | None = None
    ) -> None:
        self.policy: Final = policy
        self._pool: Final = pool
        self._breaches: Final = breaches

    async def check(self, password: str, *, context: Sequence[str] = ()) -> PolicyResult:
        """Everything that is wrong with `password`; see `PasswordPolicy.check`.

        Raises ServiceUnavailableError (503) when the pool is full.
        """
        result = await self.advise(password, context=context)
        if self._breaches is None or not result.ok:
            return result
        return replace(result, problems=(_BREACHED,)) if await self._seen(password) else result

    async def advise(self, password: str, *, context: Sequence[str] = ()) -> PolicyResult:
        """The policy's word alone, for who is still typing: nobody else is asked."""
        return await self._pool.run(partial(self.policy.check, password, context=context))

    async def _seen(self, password: str) -> bool:
        return bool(self._breaches and await self._breaches.count(password))
