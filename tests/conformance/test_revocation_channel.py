"""Every revocation channel keeps the contract of `zenith.authentication.store`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from tests.services import Service
from zenith.authentication.store import Revocation
from zenith.kernel.keys import Secret, new_id
from zenith.stores.redis import RedisRevocationChannel, connect_redis
from zenith.stores.settings import RedisSettings

REVOCATION = Revocation(kind="session", key="s1", at=10.5, until=99.0)


def settings(url: str) -> RedisSettings:
    return RedisSettings(url=Secret(url), connect_timeout=1.0, command_timeout=1.0, retries=0)


@pytest.fixture(params=["redis", "cluster", "sentinel"])
def url(request: pytest.FixtureRequest) -> str:
    """Each kind of Redis in turn."""
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    if request.param == "sentinel":
        return request.getfixturevalue("redis_sentinel")["url"]
    return request.getfixturevalue("redis_cluster_url").replace("redis://", "redis+cluster://")


class Process:
    """What stands for one process: a client of its own that listens."""

    def __init__(self, url: str, name: str) -> None:
        self.client = connect_redis(settings(url))
        self.channel = RedisRevocationChannel(self.client, channel=name)
        self.received: list[Revocation] = []
        self.arrived = asyncio.Event()
        self.task = asyncio.create_task(self.channel.listen(self._receive))

    def _receive(self, revocations: Sequence[Revocation]) -> None:
        self.received += revocations
        self.arrived.set()

    async def ready(self) -> None:
        """Return once a message arrives: nobody tells when a subscription stands."""
        probe = Revocation(kind="token", key="probe", at=1.0, until=2.0)
        for _ in range(200):
            await self.channel.publish([probe])
            with suppress(TimeoutError):
                await asyncio.wait_for(self.arrived.wait(), 0.1)
                break
        else:
            pytest.fail("the channel never stood")
        await asyncio.sleep(0.1)
        self.received.clear()
        self.arrived.clear()


@asynccontextmanager
async def processes(url: str, count: int) -> AsyncIterator[list[Process]]:
    name = f"test:{new_id()}"
    running = [Process(url, name) for _ in range(count)]
    try:
        for process in running:
            await process.ready()
        for process in running:
            process.received.clear()
            process.arrived.clear()
        yield running
    finally:
        for process in running:
            process.task.cancel()
        await asyncio.gather(*(process.task for process in running), return_exceptions=True)
        for process in running:
            await process.client.aclose()


async def test_every_process_hears_it_at_once(url: str) -> None:
    async with processes(url, 3) as running:
        await running[0].channel.publish([REVOCATION])
        for process in running:
            await asyncio.wait_for(process.arrived.wait(), 1.0)
            assert process.received == [REVOCATION]


async def test_many_are_split_and_all_arrive(url: str) -> None:
    many = [Revocation(kind="token", key=f"k{n}", at=1.0, until=2.0) for n in range(1200)]
    async with processes(url, 1) as (process,):
        await process.channel.publish(many)
        for _ in range(50):
            if len(process.received) >= len(many):
                break
            await asyncio.sleep(0.05)
        assert process.received == many


@pytest.mark.parametrize("kind", ["redis", "redis_cluster"])
async def test_listening_goes_on_after_a_restart(
    private_service: Callable[[str], Service], kind: str
) -> None:
    service = private_service(kind)
    url = service.url.replace("redis://", "redis+cluster://") if "cluster" in kind else service.url
    async with processes(url, 2) as (one, other):
        service.kill()
        await one.channel.publish([REVOCATION])  # logged, not raised
        await asyncio.sleep(0.3)
        assert not other.received
        await asyncio.to_thread(service.revive)
        await other.ready()
        await one.channel.publish([REVOCATION])
        await asyncio.wait_for(other.arrived.wait(), 2.0)
        assert REVOCATION in other.received


async def test_publishing_to_nobody_does_not_raise(
    caplog: pytest.LogCaptureFixture, free_port: Callable[[], int]
) -> None:
    client = connect_redis(settings(f"redis://user:hunter2@127.0.0.1:{free_port()}/0"))
    await RedisRevocationChannel(client).publish([REVOCATION])
    assert "could not be published" in caplog.text
    assert "hunter2" not in caplog.text
    await client.aclose()
