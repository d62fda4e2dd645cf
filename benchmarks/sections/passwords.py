"""Fifty password checks at once, and what another endpoint feels of them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

import argon2

from benchmarks.apps import Protected
from benchmarks.driver import send_all
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from zenith.passwords import PasswordHasher, PasswordSettings

TITLE = "50 password checks at once (Argon2id, wall time)"
CHECKS = 50
PAUSE = 0.002
PASSWORD = "correct horse battery staple"


class _Probe:
    """Calls another endpoint all the time, and notes when it should and did have its answer."""

    def __init__(self, protected: Protected) -> None:
        self._app = protected.app
        self._call = protected.seen()
        self._times: list[float] = []

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            due = time.perf_counter() + PAUSE
            await asyncio.sleep(PAUSE)
            await send_all(self._app, [self._call])
            self._times.append(time.perf_counter() - due)

    def p99(self) -> float:
        """In µs; forgets what it noted."""
        times, self._times = self._times, []
        return quantiles(times, n=100)[98] * 1e6


async def measure(options: Options) -> AsyncIterator[Row]:
    """Latency idle and under load, and the total against a pool of as many threads as cores."""
    protected = Protected()
    await protected.start()
    hasher = PasswordHasher()
    hashed = await hasher.hash(PASSWORD)
    idle: list[float] = []
    busy: list[float] = []
    ours: list[float] = []
    pool: list[float] = []
    probe = _Probe(protected)
    try:
        for _ in range(1 if options.quick else 3):
            task = asyncio.create_task(probe.run())
            await asyncio.sleep(0.5 if options.quick else 1.5)
            idle.append(probe.p99())
            ours.append(await _checks(hasher, hashed))
            busy.append(probe.p99())
            # The other endpoint is called beside the peer, too: it takes its share of the cores.
            pool.append(await asyncio.to_thread(_plain_pool, hashed))
            probe.p99()
            task.cancel()
            await asyncio.wait([task])
    finally:
        await hasher.aclose()
        await protected.stop()
    yield Row(
        name="p99 of another endpoint",
        ours=median(busy),
        peer_name="idle",
        peer=median(idle),
        ratio=median(busy) / median(idle),
        budget=Budget(value=5),
    )
    yield Row(
        name="total time",
        ours=median(ours),
        unit="s",
        peer_name=f"pool of {os.cpu_count()} threads",
        peer=median(pool),
        ratio=median(ours) / median(pool),
        budget=Budget(value=1.1),
    )


async def _checks(hasher: PasswordHasher, hashed: str) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(hasher.verify(PASSWORD, hashed) for _ in range(CHECKS)))
    return time.perf_counter() - started


def _plain_pool(hashed: str) -> float:
    hasher = argon2.PasswordHasher()
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count(), initializer=_be_nice) as pool:
        list(pool.map(lambda _: hasher.verify(hashed, PASSWORD), range(CHECKS)))
    return time.perf_counter() - started


def _be_nice() -> None:
    """As nice as the threads of our pool: else neighbours on the machine decide the ratio."""
    if sys.platform == "linux":
        niceness = PasswordSettings().niceness
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
