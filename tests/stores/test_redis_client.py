"""The Redis client: every topology, TLS that is checked, and bounded waits."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.services import Service
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.stores.redis import RedisClient, connect_redis
from zenith.stores.redis.address import RedisAddress, parse_address
from zenith.stores.redis.errors import errors_wrapped
from zenith.stores.settings import RedisSettings


def client(url: str, **values: Any) -> RedisClient:
    return connect_redis(
        RedisSettings(url=Secret(url), **{"connect_timeout": 1.0, "command_timeout": 1.0, **values})
    )


async def ping(client: RedisClient) -> None:
    """Ask once and close."""
    try:
        with errors_wrapped():
            assert await client.execute_command("PING")
            await client.execute_command("SET", "zenith:test", "1", "PX", "1000")
            assert await client.execute_command("GET", "zenith:test") == b"1"
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", RedisAddress(topology="single", tls=False, hosts=(("h", 6379),))),
        (
            "rediss://user:p%40ss@h:7000/3",
            RedisAddress(
                topology="single",
                tls=True,
                hosts=(("h", 7000),),
                database=3,
                username="user",
                password=Secret("p@ss"),
            ),
        ),
        (
            "redis+sentinel://:pw@a:1,b,[2001:db8::1]:3/main/2",
            RedisAddress(
                topology="sentinel",
                tls=False,
                hosts=(("a", 1), ("b", 26379), ("2001:db8::1", 3)),
                service="main",
                database=2,
                password=Secret("pw"),
            ),
        ),
        (
            "rediss+cluster://a,b:7001/0",
            RedisAddress(topology="cluster", tls=True, hosts=(("a", 6379), ("b", 7001))),
        ),
    ],
)
def test_urls_are_taken_apart(url: str, expected: RedisAddress) -> None:
    assert parse_address(Secret(url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://a,b",
        "redis://h:port",
        "redis://h:99999",
        "redis://h/name",
        "redis://h/0/1",
        "redis://h?ssl_cert_reqs=none",
        "redis://h#x",
        "redis+sentinel://h",
        "redis+sentinel://h/name/db",
        "redis+cluster://h/1",
        "redis+cluster://h,,i",
    ],
)
def test_urls_that_could_be_misread_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.url") as caught:
        connect_redis(RedisSettings(url=Secret(url.replace("://h", "://:hunter2@h"))))
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "zenith.stores.redis.topologies", raising=False)
    monkeypatch.delattr("zenith.stores.redis.topologies", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"zenith-security\[redis\]"):
        client("redis://h")


async def test_one_server(redis_url: str) -> None:
    await ping(client(redis_url))


async def test_a_cluster(redis_cluster_url: str) -> None:
    await ping(client(redis_cluster_url.replace("redis://", "redis+cluster://")))


async def test_a_sentinel(redis_sentinel: Mapping[str, str]) -> None:
    await ping(client(redis_sentinel["url"]))


def test_sentinels_get_their_own_password_and_no_other() -> None:
    for own, expected in ((None, None), (Secret("theirs"), "theirs")):
        redis: Any = client("redis+sentinel://user:masters@h/x", sentinel_password=own)
        for sentinel in redis.connection_pool.sentinel_manager.sentinels:
            assert sentinel.connection_pool.connection_kwargs.get("password") == expected
            assert sentinel.connection_pool.connection_kwargs.get("username") is None
        assert redis.connection_pool.connection_kwargs["password"] == "masters"


async def test_tls_with_the_right_authority(redis_tls: Mapping[str, str]) -> None:
    await ping(client(redis_tls["url"], ca_file=Path(redis_tls["ca_file"])))


async def test_a_certificate_of_an_unknown_authority_is_refused(
    redis_tls: Mapping[str, str],
) -> None:
    with pytest.raises(ServiceUnavailableError) as caught:
        await ping(client(redis_tls["url"], retries=0))
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.__cause__)


async def test_a_certificate_of_another_host_is_refused(redis_tls: Mapping[str, str]) -> None:
    elsewhere = redis_tls["url"].replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(ServiceUnavailableError):
        await ping(client(elsewhere, ca_file=Path(redis_tls["ca_file"]), retries=0))


def test_a_driver_that_trips_over_its_own_connection_is_a_refusal() -> None:
    """Of many that begin at once in a cluster, one may find its connection closed."""
    with pytest.raises(ServiceUnavailableError) as caught, errors_wrapped():
        None.writelines([])  # type: ignore[attr-defined]
    assert caught.value.reason == "redis: AttributeError"


async def test_a_transport_of_uvloop_that_is_closed_is_a_refusal() -> None:
    """When a node of a cluster dies, those who were about to write meet a closed transport."""

    async def write() -> None:
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.transport.abort()
        await asyncio.sleep(0)
        with errors_wrapped():
            writer.writelines([b"PING"])

    def whole() -> str:
        with (
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            pytest.raises(ServiceUnavailableError) as caught,
        ):
            runner.run(write())
        return caught.value.reason

    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert await asyncio.to_thread(whole) == "redis: RuntimeError"


async def test_a_server_that_hangs_costs_the_timeout_only(
    private_service: Callable[[str], Service],
) -> None:
    service = private_service("redis")
    redis = client(service.url, command_timeout=0.2, retries=1)
    with errors_wrapped():
        await redis.execute_command("PING")
    service.pause()
    began = asyncio.get_running_loop().time()
    with pytest.raises(ServiceUnavailableError) as caught, errors_wrapped():
        await redis.execute_command("PING")
    assert asyncio.get_running_loop().time() - began < 3.0
    assert "Retry-After" in caught.value.headers
    service.resume()
    await ping(redis)


async def test_it_recovers_from_a_restart_by_itself(
    private_service: Callable[[str], Service],
) -> None:
    service = private_service("redis")
    redis = client(service.url)
    with errors_wrapped():
        await redis.execute_command("PING")
    await asyncio.to_thread(service.kill)
    with pytest.raises(ServiceUnavailableError), errors_wrapped():
        await redis.execute_command("PING")
    await asyncio.to_thread(service.revive)
    await ping(redis)


def test_no_repr_shows_the_password() -> None:
    for url in (
        "redis://:hunter2@h",
        "redis+cluster://:hunter2@h",
        "redis+sentinel://:hunter2@h/x",
    ):
        redis = client(url)
        assert "hunter2" not in f"{redis!r} {parse_address(Secret(url))!r}"
