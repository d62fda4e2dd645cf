"""Answers that take equally long whatever was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from zenith.kernel.clock import Clock, steady_clock

Sleep: TypeAlias = Callable[[float], Awaitable[object]]


class EvenTime:
    """Stretches a step to the next multiple of `seconds`; zero leaves it as long as it takes.

    Threat: the time of an answer tells whether an account exists (ASVS 6.3.8): writing a row takes
    longer than finding that it is there. Failures are stretched like successes; only whoever
    cancels need not wait.
    """

    def __init__(
        self, seconds: float, *, steady: Clock = steady_clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._seconds: Final = seconds
        self._steady: Final = steady
        self._sleep: Final = sleep

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[None]:
        """Run the block, then wait for the next multiple."""
        rest = self._seconds
        began = self._steady()
        try:
            yield
        except asyncio.CancelledError:
            rest = 0.0
            raise
        finally:
            if rest > 0:
                await self._sleep(rest - (self._steady() - began) % rest)
