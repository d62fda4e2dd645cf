"""The attack: hold every connection with heads, bodies and reads that never end (slowloris, slow
post, slow read), with sockets that say nothing, or simply with too many of them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.thread import LARGE, problem, running, talking
from zenith.kernel.network import TrustedProxies, parse_networks
from zenith.server import BoundedH11, BoundedHttpTools, ServerSettings, Serving

LIMIT = 0.2
PER_ADDRESS = 8
IN_ALL = 20
PATIENCE = 2.5
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOLD = GET.replace(b"/ ", b"/hold ")
OTHER = "127.0.0.9"
PROXY = "127.0.0.10"


class Events:
    """Keeps what is noted."""

    def __init__(self):
        self.seen = []

    async def record(self, event):
        self.note(event)

    def note(self, event):
        self.seen.append(event)


@pytest.fixture(scope="module", params=[BoundedHttpTools, BoundedH11], ids=["httptools", "h11"])
def server(request):
    settings = ServerSettings(
        head_timeout=LIMIT,
        body_timeout=LIMIT,
        answer_timeout=LIMIT,
        keep_alive=LIMIT,
        min_rate=200,
        max_connections=IN_ALL,
        max_connections_per_address=PER_ADDRESS,
    )
    proxies = TrustedProxies(parse_networks([PROXY], setting="x"))
    serving = Serving(settings=settings, proxies=proxies, events=Events())
    with running(request.param, serving) as found:
        yield found


@pytest.fixture(autouse=True)
def clean(server):
    yield
    server.clean()


def wait_for(server, reason: str, times: int = 1) -> bool:
    """Whether the server ends connections for this reason, soon."""
    until = time.monotonic() + 3
    while time.monotonic() < until:
        if [event.reason for event in server.serving.events.seen].count(reason) >= times:
            return True
        time.sleep(0.01)
    return False


def drip(client, data: bytes, *, pause: float = 0.05) -> float:
    """Send byte by byte; the seconds until the server has had enough."""
    for at in range(len(data)):
        if not client.send(data[at : at + 1]):
            break
        time.sleep(pause)
    return time.monotonic() - client.began


def dripped(server, start: bytes, rest: bytes) -> tuple[float, bytes]:
    client = server.connect(start)
    return drip(client, rest), client.rest()


@talking
def test_whoever_is_slow_is_sent_away(server):
    """All at once, as attackers would; each is measured by its own clock."""
    body = HEAD + b"Content-Length: 5000\r\n\r\n"
    chunks = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with ThreadPoolExecutor(8) as pool:
        slow = {
            "head": pool.submit(dripped, server, b"", HEAD + b"X-A: " + b"a" * 60),
            "second head": pool.submit(dripped, server, GET, GET[:-2] + b"X-A: " + b"a" * 60),
            "body": pool.submit(dripped, server, body, b"b" * 60),
            "fast, then slow": pool.submit(dripped, server, body + b"b" * 4900, b"b" * 60),
            "chunks": pool.submit(dripped, server, chunks, b"1\r\nb\r\n" * 10),
            "nothing": pool.submit(dripped, server, HEAD, b""),
        }
        times = {name: each.result() for name, each in slow.items()}
    for name, (seconds, answer) in times.items():
        assert seconds < PATIENCE, name
        assert b"408 Request Timeout" in answer or not answer, (name, answer)
    assert problem(times["nothing"][1])["code"] == "request_timeout"
    assert times["second head"][1].startswith(b"HTTP/1.1 200 OK")
    reasons = {event.reason for event in server.serving.events.seen}
    assert {"head too slow", "body too slow"} <= reasons
    assert {event.address for event in server.serving.events.seen} == {"127.0.0.1"}


@talking
def test_whoever_says_nothing_is_closed_without_a_word(server):
    silent = [server.connect(), server.connect(GET), server.connect(GET)]
    # Line ends between requests are no request, and keep no connection open.
    silent[2].read()
    for _ in range(10):
        silent[2].send(b"\r\n")
        time.sleep(0.02)
    answers = [each.rest() for each in silent]
    assert answers[0] == b""
    assert answers[1].endswith(b"size 0")
    assert time.monotonic() - silent[0].began < PATIENCE


@talking
def test_whoever_does_not_read_is_cut_off(server):
    greedy = server.connect(GET.replace(b"/ ", b"/large "), buffer=4096)
    closing = GET.replace(b"/ ", b"/large ").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    greedy_too = server.connect(closing, buffer=4096)
    reader = server.connect(closing)
    assert len(reader.rest()) > LARGE
    assert wait_for(server, "answer not taken", 2)
    for each in (greedy, greedy_too):
        assert len(each.rest()) < LARGE


@talking
def test_whoever_is_steady_is_served(server):
    """Slower than anybody, and yet fast enough: five times the limits, in small steps."""
    client = server.connect(HEAD + b"Content-Length: 4000\r\n\r\n")
    for _ in range(20):
        assert client.send(b"b" * 200)
        time.sleep(0.03)
    assert client.read(20).startswith(b"HTTP/1.1 200 OK")


@talking
def test_too_many_of_one_address(server):
    for source in ("127.0.0.1", PROXY, PROXY):
        for _ in range(PER_ADDRESS if source != PROXY else PER_ADDRESS // 2 + 1):
            server.connect(HOLD, source=source)
    answer = server.connect().rest()
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert problem(answer)["code"] == "rate_limited"
    assert b"retry-after: 10" in answer
    for source in (OTHER, PROXY):
        assert server.connect(GET, source=source).read().startswith(b"HTTP/1.1 200 OK")
    server.close()
    time.sleep(0.1)
    assert server.connect(GET).read().startswith(b"HTTP/1.1 200 OK")


@talking
def test_too_many_in_all(server):
    for each in range(IN_ALL):
        server.connect(HOLD, source=f"127.0.1.{each + 1}")
    answer = server.connect(source=OTHER).rest()
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert problem(answer)["code"] == "unavailable"


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01\x00\xff\x01", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
    ids=["tls", "length"],
)  # fmt: skip
@talking
def test_what_is_no_http_is_answered_in_our_form(server, raw, caplog):
    answer = server.connect(raw).rest()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    told = problem(answer)
    assert told["code"] == "bad_request"
    lines = [line.getMessage() for line in caplog.records]
    reference = told["instance"].removeprefix("urn:request:")
    assert lines == [f"malformed HTTP: connection from 127.0.0.1 ended, {reference}"]


@talking
def test_a_flood_of_bad_requests_is_no_flood_of_lines(server, caplog):
    for _ in range(8):
        at_once = [server.connect(b"\x00\r\n\r\n", source=OTHER) for _ in range(PER_ADDRESS)]
        at_once += [server.connect(b"\x00\r\n\r\n") for _ in range(PER_ADDRESS)]
        for connection in at_once:
            assert b"400" in connection.rest()
    time.sleep(2 * LIMIT)
    lines = [line.getMessage() for line in caplog.records]
    assert len(lines) < 8 * 2 * PER_ADDRESS
    assert any(line.endswith("more connections ended") for line in lines)


@talking
def test_what_follows_a_request_does_not_garble_its_answer(server):
    client = server.connect(GET.replace(b"/ ", b"/large ") + b"\x00\x01\r\n\r\n")
    head, _, rest = client.rest().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert rest[:LARGE] == b"x" * LARGE
    assert wait_for(server, "malformed HTTP")


@talking
def test_an_answer_before_the_body_ends_it_too(server):
    """The application has answered; the client goes on sending, byte by byte."""
    start = HEAD.replace(b"/ ", b"/early ") + b"Content-Length: 500\r\n\r\n"
    seconds, answer = dripped(server, start, b"b" * 60)
    assert seconds < PATIENCE
    assert answer.count(b"HTTP/1.1") == 1
