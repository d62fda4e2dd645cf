"""Where hashing runs: few threads, a short queue, and a refusal when that is full.

Threat: a flood of sign-ins. Hashing is slow and takes memory on purpose, so unbounded hashing is
a way to stop the server (ASVS 15.2.2). In here it can take no more cores than there are, no
more memory than was set aside, and never the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.passwords.capacity import usable_cores, usable_memory
from zenith.passwords.priority import lower_priority

T = TypeVar("T")

MEMORY_SHARE: Final = 0.25
"""Of the usable memory, how much hashing may take at most."""
FIRST_GUESS: Final = 0.2
"""Seconds that a job is thought to take before one was measured."""


class HashingPool:
    """A bounded pool of threads for argon2 and bcrypt, which leave Python's lock while they work.

    `workers` is the number of threads; None takes one per usable core, fewer if each of them needs
    `memory_per_job` bytes and a quarter of the usable memory would not hold them all. `queue_size`
    is how many jobs may wait beyond those that run. `niceness` (0 to 19) lowers the priority of
    the threads on Linux by so much, so that the event loop is served first when cores are short;
    0 asks the kernel for nothing.

    Threads start with the first job. One pool may serve several event loops.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        queue_size: int = 128,
        niceness: int = 10,
        memory_per_job: int = 0,
        clock: Clock = steady_clock,
    ) -> None:
        _check_range("workers", workers, 1, 256)
        _check_range("queue_size", queue_size, 0, 100_000)
        _check_range("niceness", niceness, 0, 19)
        self.workers = workers or _fitting_workers(memory_per_job)
        self.capacity = self.workers + queue_size
        self._niceness = niceness
        self._clock = clock
        self._lock = threading.Lock()
        self._outstanding = 0
        self._seconds_per_job = FIRST_GUESS
        self._closed = False
        self._executor: ThreadPoolExecutor | None = None

    @property
    def outstanding(self) -> int:
        """Jobs that run or wait."""
        return self._outstanding

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` on a thread of the pool and wait for it.

        Raises ServiceUnavailableError (503, with Retry-After) if the queue is full or the pool is
        closed. If the waiting task is cancelled, a job that waits gives its place back at once; a
        job that runs keeps it until it is done, for it does take a core and memory until then.
        """
        return await asyncio.wrap_future(self._submit(job))

    def open(self) -> None:
        """Take jobs again after `close`: an application may be started more than once."""
        with self._lock:
            self._closed = False

    def close(self, *, wait: bool = True) -> None:
        """Take no more jobs and drop those that wait; with `wait`, until the running ones end.

        It blocks then: in a coroutine, use `aclose`.
        """
        with self._lock:
            self._closed = True
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=wait, cancel_futures=True)

    async def aclose(self) -> None:
        """Close without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def _submit(self, job: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._closed:
                raise ServiceUnavailableError(reason="the password pool is closed")
            if self._outstanding >= self.capacity:
                raise ServiceUnavailableError(
                    retry_after=max(1.0, self._seconds_until_free()),
                    reason=f"the password pool is full: {self._outstanding} jobs",
                )
            if self._executor is None:
                self._executor = ThreadPoolExecutor(
                    self.workers,
                    thread_name_prefix="zenith-passwords",
                    initializer=lower_priority,
                    initargs=(self._niceness,),
                )
            future = self._executor.submit(self._timed, job)
            self._outstanding += 1
        # Outside the lock: a job that is already done calls back right here.
        future.add_done_callback(self._release)
        return future

    def _timed(self, job: Callable[[], T]) -> T:
        started = self._clock()
        try:
            return job()
        finally:
            # A plain moving average; a lost update between two threads does no harm.
            self._seconds_per_job += 0.2 * (self._clock() - started - self._seconds_per_job)

    def _release(self, _future: Future[T]) -> None:
        with self._lock:
            self._outstanding -= 1

    def _seconds_until_free(self) -> float:
        return self._seconds_per_job * self._outstanding / self.workers


def _fitting_workers(memory_per_job: int) -> int:
    cores = usable_cores()
    if memory_per_job <= 0:
        return cores
    return max(1, min(cores, int(usable_memory() * MEMORY_SHARE) // memory_per_job))


def _check_range(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise ConfigurationError(
            f"passwords.{name} {value} is out of range", fix=f"use {least} to {most}"
        )
