"""The breach service, against real HTTP servers on loopback: good ones, slow ones, broken ones."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.passwords import (
    BreachQuery,
    BreachService,
    HashingPool,
    PasswordJudge,
    PasswordPolicy,
    PasswordSettings,
)
from zenith.passwords.breach_service import MAX_REMEMBERED

GOOD = "quartz lantern 7 otter plum"
BREACHED = "violet tractor pond ninety"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self.answer: Answer = body_of(entries())
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(request.decode())
                await self.answer(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


def entries(*passwords: str) -> bytes:
    padding = [f"{hashlib.sha256(b'%d' % n).hexdigest()[:35].upper()}:0" for n in range(800)]
    found = [f"{BreachQuery.of(password).suffix}:3" for password in passwords]
    return "\r\n".join(padding + found).encode()


def body_of(body: bytes, status: str = "200 OK") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(writer: asyncio.StreamWriter) -> None:
    """One byte at a time: no single read is slow, the whole is."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    while True:
        writer.write(b"A")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"A" * 65_536
    for _ in range(64):
        writer.write(b"10000\r\n" + chunk + b"\r\n")
        await writer.drain()


async def garble(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x01 this is not http\r\n\r\n")


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def asking(
    server: Server, time: Time, *, patience: float = 5.0
) -> AsyncIterator[BreachService]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/range"
    service = BreachService(server.url, timeout=patience, clock=time)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
        await service.stop()
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listener.wait_closed()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server() -> Server:
    return Server()


async def test_breached_passwords_are_counted(server: Server, time: Time) -> None:
    server.answer = body_of(entries(BREACHED))
    async with asking(server, time) as service:
        assert await service.count(BREACHED) == 3
        assert await service.count(GOOD) == 0
    question = server.asked[0].splitlines()
    query = BreachQuery.of(BREACHED)
    assert question[0] == f"GET /range/{query.prefix} HTTP/1.1"
    assert "add-padding: true" in [line.lower() for line in question]
    assert query.suffix[:6] not in server.asked[0].upper()


async def test_answers_are_remembered_for_a_while(server: Server, time: Time) -> None:
    async with asking(server, time) as service:
        for seconds in (0, 299, 2):
            time.now += seconds
            assert await service.count(GOOD) == 0
        assert len(server.asked) == 2
        for number in range(MAX_REMEMBERED):
            assert await service.count(f"another password {number}") == 0
        assert len(service._remembered) == MAX_REMEMBERED
        await service.count(GOOD)
        assert len(server.asked) == 2 + MAX_REMEMBERED + 1


BROKEN: dict[str, Answer] = {
    "hangs": hang,
    "drips": drip,
    "floods": flood,
    "garbles": garble,
    "hangs up": hang_up,
    "500": body_of(b"oops", "500 Internal Server Error"),
    "redirects": body_of(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"),
    "no entries": body_of(b"<html>please sign in to the wireless network</html>"),
    "empty": body_of(b""),
    "not text": body_of(bytes(range(256)) * 4),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_service_is_no_answer(server: Server, time: Time, kind: str) -> None:
    server.answer = BROKEN[kind]
    patience = 0.15 if kind in ("hangs", "drips") else 5.0
    async with asking(server, time, patience=patience) as service:
        assert await service.count(GOOD) is None


async def test_an_absent_service_is_asked_and_complained_of_seldom(
    server: Server, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = BROKEN["500"]
    with caplog.at_level(logging.WARNING, "zenith.passwords"):
        async with asking(server, time) as service:
            for _ in range(60):
                assert await service.count(GOOD) is None
                time.now += 10
            assert len(server.asked) == 20
            assert len(caplog.records) == 1
            assert GOOD not in caplog.text
            assert BreachQuery.of(GOOD).prefix not in caplog.text
            server.answer = body_of(entries(GOOD))
            time.now += 30
            assert await service.count(GOOD) == 3
            server.answer = BROKEN["500"]
            time.now += 600
            assert await service.count(GOOD) is None
    assert len(caplog.records) == 2


async def test_nobody_listens(time: Time) -> None:
    service = BreachService("http://127.0.0.1:9/range", clock=time)
    assert await service.count(GOOD) is None
    await service.aclose()


async def test_the_judge_asks_last_and_believes_silence(server: Server, time: Time) -> None:
    pool = HashingPool(workers=1)
    server.answer = body_of(entries(BREACHED))
    async with asking(server, time) as service:
        judge = PasswordJudge(PasswordPolicy.nist(), pool, service)
        assert "too_short" in (await judge.check("short")).codes
        assert server.asked == []
        assert (await judge.check(BREACHED)).codes == ("breached",)
        assert (await judge.advise(BREACHED)).ok
        assert (await judge.check(GOOD)).ok
        server.answer = BROKEN["500"]
        assert (await judge.check("velvet anchor 3 maple kite")).ok
    assert (await PasswordJudge(PasswordPolicy.nist(), pool).check(BREACHED)).ok
    pool.close()


async def test_first_questions_at_once_leave_no_connections_open() -> None:
    made: list[httpx.AsyncBaseTransport] = []
    closed: list[httpx.AsyncBaseTransport] = []

    class Transport(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            made.append(self)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert self not in closed
            return httpx.Response(200, content=entries())

        async def aclose(self) -> None:
            closed.append(self)

    service = BreachService("https://breaches.example.org/range", transport=Transport)
    counts = await asyncio.gather(*(service.count(f"{GOOD} {number}") for number in range(5)))
    assert counts == [0] * 5
    await service.aclose()
    assert set(made) == set(closed)


def test_without_httpx_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ConfigurationError, match="breach_url needs httpx"):
        BreachService("http://127.0.0.1:9/range")


@pytest.mark.parametrize(
    "url",
    ["http://example.org/range", "ftp://example.org/", "https:///range", "https://x.org/?q=1", ""],
)
def test_addresses_that_would_tell_passwords_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="breach_url"):
        PasswordSettings(breach_check=True, breach_url=url)
    PasswordSettings(breach_url=url)
    PasswordSettings(breach_check=True, breach_url="http://127.0.0.1:80/range")
