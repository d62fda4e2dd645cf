from __future__ import annotations

import asyncio
import threading
import time

import pytest

from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.passwords import HashingPool, PasswordHasher, PasswordSettings


class Gate:
    """A job that stands still until it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.started.set()
        if not self.go.wait(10):
            raise TimeoutError
        return threading.current_thread().name


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for happens in a thread
            await asyncio.sleep(0.001)


async def test_a_job_runs_off_the_loop() -> None:
    pool = HashingPool(workers=1)
    assert await pool.run(threading.get_ident) != threading.get_ident()
    assert pool.outstanding == 0
    await pool.aclose()


async def test_an_error_comes_back_and_frees_its_place() -> None:
    pool = HashingPool(workers=1)

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await pool.run(fail)
    assert pool.outstanding == 0
    await pool.aclose()


async def test_when_full_it_refuses_with_503() -> None:
    pool = HashingPool(workers=1, queue_size=1)
    gate = Gate()
    running = asyncio.create_task(pool.run(gate))
    waiting = asyncio.create_task(pool.run(lambda: "second"))
    await until(lambda: pool.outstanding == 2)
    with pytest.raises(ServiceUnavailableError) as caught:
        await pool.run(lambda: "third")
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) >= 1
    gate.go.set()
    assert (await running).startswith("zenith-passwords")
    assert await waiting == "second"
    assert await pool.run(lambda: "again") == "again"
    await pool.aclose()


async def test_retry_after_follows_the_queue() -> None:
    ticks = iter([0.0, 100.0])
    pool = HashingPool(workers=1, queue_size=0, clock=lambda: next(ticks, 0.0))
    await pool.run(lambda: None)
    gate = Gate()
    task = asyncio.create_task(pool.run(gate))
    await until(gate.started.is_set)
    with pytest.raises(ServiceUnavailableError) as caught:
        await pool.run(lambda: None)
    assert caught.value.retry_after == pytest.approx(0.8 * 0.2 + 0.2 * 100.0)
    gate.go.set()
    await task
    await pool.aclose()


async def test_a_cancelled_waiter_gives_its_place_back() -> None:
    pool = HashingPool(workers=1, queue_size=1)
    gate = Gate()
    running = asyncio.create_task(pool.run(gate))
    await until(gate.started.is_set)
    ran: list[int] = []
    for _ in range(50):
        waiting = asyncio.create_task(pool.run(lambda: ran.append(1)))
        await until(lambda: pool.outstanding == 2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: pool.outstanding == 1)
    gate.go.set()
    await running
    assert ran == []
    await pool.aclose()


async def test_a_cancelled_runner_keeps_its_place_until_done() -> None:
    pool = HashingPool(workers=1, queue_size=0)
    gate = Gate()
    running = asyncio.create_task(pool.run(gate))
    await until(gate.started.is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert pool.outstanding == 1
    with pytest.raises(ServiceUnavailableError):
        await pool.run(lambda: None)
    gate.go.set()
    await until(lambda: pool.outstanding == 0)
    await pool.aclose()


async def test_closed_it_refuses_and_drops_those_that_wait() -> None:
    pool = HashingPool(workers=1)
    gate = Gate()
    running = asyncio.create_task(pool.run(gate))
    await until(gate.started.is_set)
    waiting = asyncio.create_task(pool.run(lambda: None))
    await until(lambda: pool.outstanding == 2)
    pool.close(wait=False)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ServiceUnavailableError, match="unavailable"):
        await pool.run(lambda: None)
    gate.go.set()
    await running
    pool.close()


async def test_the_threads_end() -> None:
    pool = HashingPool(workers=2)
    thread = await pool.run(threading.current_thread)
    await pool.aclose()
    assert not thread.is_alive()


async def test_the_loop_keeps_ticking_during_fifty_hashes() -> None:
    settings = PasswordSettings(profile="owasp", workers=1)
    async with PasswordHasher(settings) as hasher:
        checks = asyncio.gather(*(hasher.dummy_verify("some password") for _ in range(50)))
        ticks = 0
        while not checks.done():
            await asyncio.sleep(0.001)
            ticks += 1
        assert not any(await checks)
    # Were one of the fifty on the loop, there would be a tick per check at most.
    assert ticks > 100


def test_workers_follow_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zenith.passwords.pool.usable_cores", lambda: 8)
    monkeypatch.setattr("zenith.passwords.pool.usable_memory", lambda: 1 << 30)
    mebibyte = 1 << 20
    assert HashingPool().workers == 8
    assert HashingPool(memory_per_job=32 * mebibyte).workers == 8
    assert HashingPool(memory_per_job=64 * mebibyte).workers == 4
    assert HashingPool(memory_per_job=1024 * mebibyte).workers == 1
    assert HashingPool(workers=3, memory_per_job=1024 * mebibyte).workers == 3
    assert HashingPool(workers=3, queue_size=5).capacity == 8


@pytest.mark.parametrize(
    "bad", [{"workers": 0}, {"queue_size": -1}, {"niceness": -1}, {"niceness": 20}]
)
def test_bad_settings(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        HashingPool(**bad)


def test_two_event_loops_share_one_pool() -> None:
    pool = HashingPool(workers=1)

    async def once() -> str:
        return await pool.run(lambda: threading.current_thread().name)

    assert asyncio.run(once()) == asyncio.run(once())
    pool.close()


def test_a_loop_that_ends_early_leaves_the_pool_whole() -> None:
    pool = HashingPool(workers=1)

    async def leave() -> None:
        task = asyncio.create_task(pool.run(lambda: time.sleep(0.05)))
        await asyncio.sleep(0.01)
        del task

    asyncio.run(leave())
    pool.close()
    assert pool.outstanding == 0
