"""Answers that take equally long whatever was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from zenith.kernel.clock import Clock, steady_clock


class EvenTime:
    """Stretches a step to the next multiple of `seconds`.

    Threat: the time of an answer tells whether an account exists (ASVS 6.3.8): writing a row takes
    longer than finding that it is there. Failures are stretched like successes.
    """

    def __init__(self, seconds: float, *, steady: Clock = steady_clock) -> None:
        self._seconds: Final = seconds
        self._steady: Final = steady

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """Run the block, then wait for the next multiple."""
        began = self._steady()
        try:
            yield
        finally:
            if self._seconds > 0:
                spent = self._steady() - began
                await asyncio.sleep(self._seconds - spent % self._seconds)
