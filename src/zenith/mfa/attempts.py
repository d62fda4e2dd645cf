"""Tries at second factors, counted where all processes see them and no restart forgets."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import RateLimitError
from zenith.rate_limits import Quotas
from zenith.rate_limits.allowance import Allowance
from zenith.rate_limits.limit import parse_limits


class FactorAttempts:
    """Charges each try before its code is looked at.

    Threat: codes of six digits guessed by a thief of the password, a few from each process, or
    anew after each restart (ASVS 6.3.1, 6.6.3). The database counts, whatever counts the rate
    limits of requests.
    """

    def __init__(self, quotas: Quotas, limits: str) -> None:
        self._quotas: Final = quotas
        self._allowances: Final = tuple(
            Allowance(each.requests, f"{each.window} seconds", each.window, is_rolling=True)
            for each in parse_limits(limits)
        )

    async def charge(self, kind: str, key: str) -> None:
        """Count one try of the account or device `key`; `kind` tells which of the two it is.

        Not within a step: the count must last where the step is undone. Raises RateLimitError, and
        ServiceUnavailableError where the database does not answer.
        """
        for allowance in self._allowances:
            usage = await self._quotas.charge(f"factor:{kind}", allowance, key)
            if not usage.allowed:
                raise RateLimitError(retry_after=usage.retry_after, reason=f"factor:{kind}")
