"""Thousands of malformed requests over a real socket: never a 5xx, and the server stays."""

from __future__ import annotations

import asyncio
import random
import re

SEED = 20261122
COUNT = 4000
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
BYTES = [
    b"\x00",
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc0\x80",
    b"%00",
    b"%",
    b"%zz",
    b"%ff",
    b"..",
    b"/",
    b"\\",
    b"//",
    b";",
    b",",
    b"=",
    b'"',
    b":",
    b"a" * 300,
    b"\xe2\x80\xae",
    b"{",
    b"$",
    b"<script>",
    b"'",
    b"%0d%0a",
    b"%2e%2e%2f",
    b"*",
    b"?",
    b"#",
]
METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"G ET",
    b"",
    b"PATCH",
    b"DELETE",
    b"QUERY",
    b"PRI",
    b"A" * 100,
    b"G\x00T",
]
PATHS = [
    b"/",
    b"/account/",
    b"/account/sign-in",
    b"/admin/accounts",
    b"/auth/login",
    b"/auth/me",
    b"/auth/refresh",
    b"/setup",
    b"/setup/x",
    b"/assets/console.css",
    b"/docs",
    b"/nowhere",
    b"/openapi.json",
    b"/auth/sessions/x",
    b"/healthz",
    b"*",
    b"http://localhost/",
    b"//x/y",
    b"localhost:80",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/?" + b"a=1&" * 500,
    b"/" + b"a" * 9000,
]
VERSIONS = [b"HTTP/1.1"] * 60 + [
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.9",
    b"HTP/1.1",
    b"",
]
HOSTS = [b"localhost"] * 80 + [
    b"",
    b"evil.example",
    b"localhost:99999",
    b"local host",
    b"[::1]",
    b"[",
    b"localhost:80:80",
    b"localhost/",
    b"@localhost",
    b"\xff",
    b"localhost\x00",
    b"LOCALHOST.",
]
HEADERS = [
    b"Cookie",
    b"Authorization",
    b"Content-Type",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Origin",
    b"Sec-Fetch-Site",
    b"X-CSRF-Token",
    b"Accept",
    b"Expect",
    b"Upgrade",
    b"Connection",
    b"X-Forwarded-For",
    b"Forwarded",
    b"Range",
    b"If-None-Match",
    b"Host",
    b"Referer",
    b"TE",
    b"X-Api-Key",
    b"Content-Encoding",
    b"Trailer",
    b"Bad Name",
    b"",
    b"\xff",
    b":",
]
VALUES = [
    b"",
    b"zenith-session=x",
    b"zenith-session=\xff; =; ;;",
    b"Bearer a.b.c",
    b"Bearer " + b"e" * 5000,
    b"Bearer eyJhbGciOiJub25lIn0.e30.",
    b"Basic !!!",
    b"application/json",
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b"application/x-www-form-urlencoded; charset=\xff",
    b"-1",
    b"0",
    b"5",
    b"1e3",
    b"+5",
    b"99999999999999999999",
    b"5, 5",
    b"0x5",
    b"chunked",
    b"chunked, chunked",
    b"identity",
    b"gzip",
    b"xchunked",
    b"null",
    b"http://localhost",
    b"cross-site",
    b"text/html",
    b"100-continue",
    b"websocket",
    b"upgrade, keep-alive",
    b"close",
    b"bytes=0-",
    b"bytes=9-1,,-",
    b"127.0.0.1, \xff",
    b'for="_x',
    b"\x00",
    b"a\r b",
]
BODIES = [
    b"",
    b"{}",
    b"{",
    b"[" * 5000,
    b"\xff\xfe",
    b"csrf_token=x",
    b"a=1&" * 200,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"zz\r\n",
    b"ffffffffffffffff\r\n",
    b"-5\r\n",
    b"5;" + b"x" * 200 + b"\r\nhello\r\n",
    b'{"email": "\\ud800@x", "password": "\\u0000"}',
    b'{"email": 1e999, "password": []}',
    b'{"refresh_token": "' + b"a" * 2000 + b'"}',
    b"--x\r\n\r\n--x--",
]


def request(dice: random.Random) -> bytes:
    """A request with a few things wrong."""
    method = dice.choice(METHODS[:2] * 10 + METHODS)
    lines = [method + b" " + dice.choice(PATHS) + b" " + dice.choice(VERSIONS)]
    lines.append(b"Host: " + dice.choice(HOSTS))
    count = dice.choice([0, 0, 1, 1, 2, 4])
    lines += [dice.choice(HEADERS) + b": " + dice.choice(VALUES) for _ in range(count)]
    body = b"" if method == b"GET" and dice.random() < 0.8 else dice.choice(BODIES)
    if body or dice.random() < 0.2:
        wrong = dice.choice([0] * 12 + [-1, 1])
        lines.append(b"Content-Length: %d" % (len(body) + wrong))
        kind = dice.choice([b"application/json", b"application/x-www-form-urlencoded", b"x"])
        lines.append(b"Content-Type: " + kind)
    raw = b"\r\n".join(lines) + b"\r\n\r\n" + body
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        at = dice.randrange(len(raw))
        raw = raw[:at] + dice.choice(BYTES) + raw[at + dice.randrange(2) :]
    return raw[: dice.randrange(len(raw))] if dice.random() < 0.03 else raw


async def talk(port: int, raw: bytes) -> list[int]:
    """Every status that comes back before the connection ends or rests; whoever refuses, the
    application or the server before it, each answer carries the headers and none says what runs.
    """
    reader, writer = await asyncio.open_connection("localhost", port)
    answer = b""
    try:
        writer.write(raw)
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(10):
            while part := await reader.read(65536):
                answer += part
                if b"\r\n\r\n" in answer and b"connection: close" not in answer:
                    break
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
    found = [int(status) for status in STATUS.findall(answer) if status != b"100"]
    assert answer.count(b"x-content-type-options: nosniff\r\n") == len(found), answer
    assert b"uvicorn" not in answer
    assert b"text/plain" not in answer
    return found


async def test_malformed_requests(start):
    server = start()
    port = int(server.url.rsplit(":", 1)[1])
    dice = random.Random(SEED)
    requests = [request(dice) for _ in range(COUNT)]
    seen: dict[int, int] = {}
    queue = iter(requests)

    async def work():
        for raw in queue:
            for status in await talk(port, raw):
                assert status < 500, raw
                seen[status] = seen.get(status, 0) + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(work())
    # They were not all turned away at the first line: the application was reached as well.
    assert sum(seen.values()) > COUNT * 0.5, seen
    assert seen[400] < COUNT * 0.75, seen
    assert {200, 400, 401, 403, 404, 405, 421, 422} <= set(seen), seen
    assert await talk(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == [200]
    log = server.service.log()
    assert "Traceback" not in log
    assert "Task exception" not in log
