"""A port that speaks TLS, tried with raw sockets, and with http where https is spoken."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import struct
import time

import pytest

from tests.server.thread import problem, running, talking
from zenith.cli.certificates import LocalCertificates, given_context, local_context
from zenith.server import BoundedHttpTools, ServerSettings, Serving, listening

LIMIT = 0.3
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("https")


@pytest.fixture(scope="module")
def server(folder, request):
    limit = getattr(request, "param", LIMIT)
    context = local_context(folder, ("app.test",), "https://localhost:8443", limit)
    serving = Serving(settings=ServerSettings(head_timeout=limit, body_timeout=limit))
    with running(BoundedHttpTools, serving, tls=context) as found:
        yield found


@pytest.fixture
def trusting(folder):
    return ssl.create_default_context(cafile=LocalCertificates(folder).authority)


def https(server, context, name="localhost"):
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    with context.wrap_socket(raw, server_hostname=name) as client:
        client.sendall(GET)
        answer = b""
        while part := client.recv(65536):
            answer += part
        return answer, client.version(), client.cipher(), client.selected_alpn_protocol()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "app.test"])
@talking
def test_names_of_this_machine_are_trusted(server, trusting, name):
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    answer, version, _, spoken = https(server, trusting, name)
    assert answer.endswith(b"size 0")
    assert (version, spoken) == ("TLSv1.3", "http/1.1")


@talking
def test_other_names_are_not(server, trusting):
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        https(server, trusting, "example.org")


@talking
def test_old_tls_is_refused_and_old_ciphers_too(server, trusting):
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    _, version, cipher, _ = https(server, trusting)
    assert version == "TLSv1.2"
    assert cipher[0].startswith("ECDHE-ECDSA-")
    trusting.set_ciphers("ECDHE+AES:@SECLEVEL=0")
    trusting.set_ciphers("ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        https(server, trusting)


@talking
def test_http_is_led_to_https(server):
    answer = server.connect(GET.replace(b"/ ", b"/a/b?c=%20d ")).rest()
    assert answer.startswith(b"HTTP/1.1 307 Temporary Redirect\r\n")
    assert b"\r\nlocation: https://localhost:8443/a/b?c=%20d\r\n" in answer
    assert b"strict-transport-security" not in answer
    assert problem(answer)["status"] == 307


@pytest.mark.parametrize(
    "head",
    [b"POST / HTTP/1.1\r\n\r\n", b"GET http://evil.example/ HTTP/1.1\r\n\r\n",
     b"GET /\x01\xff HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"GET /" + b"a" * 9000],
    ids=["post", "absolute", "bytes", "ssh", "long"],
)  # fmt: skip
@talking
def test_nothing_else_is(server, head):
    answer = server.connect(head).rest()
    assert not answer or problem(answer)["status"] == 403
    assert b"location" not in answer


@talking
def test_handshakes_that_do_not_begin_or_end(server, trusting):
    silent = server.connect()
    begun = server.connect(b"\x16\x03\x01\x02\x00\x01")
    broken = server.connect(b"\x16not a handshake at all, but long enough to be read as one")
    gone = server.connect()
    gone.raw.close()
    assert broken.rest()[:1] in (b"", b"\x15")
    assert silent.rest() == b""
    assert begun.rest()[:1] in (b"", b"\x15")
    assert time.monotonic() - silent.began < 3
    assert https(server, trusting)[0].endswith(b"size 0")


@talking
def test_the_longest_silent_makes_room(server, trusting, monkeypatch):
    monkeypatch.setattr(listening, "MAX_WAITING", 3)
    first = server.connect()
    rest = [server.connect() for _ in range(3)]
    assert first.rest() == b""
    assert https(server, trusting)[0].endswith(b"size 0")
    server.close()
    del rest


# It waits for longer than the test takes on a busy machine.
@pytest.mark.parametrize("server", [100 * LIMIT], indirect=True)
@talking
def test_handshakes_that_do_not_end_push_out_their_own(server, trusting, monkeypatch):
    """One byte is enough to be no longer silent; an address that floods makes room itself."""
    monkeypatch.setattr(listening, "MAX_WAITING", 4)
    other = server.connect(b"\x16\x03", source="127.0.0.9")
    flood = [server.connect(b"\x16\x03") for _ in range(6)]
    assert flood[0].rest() == b""
    assert flood[1].rest() == b""
    other.raw.settimeout(0.05)
    with pytest.raises(TimeoutError):
        other.raw.recv(1)
    assert https(server, trusting)[0].endswith(b"size 0")
    server.close()


@talking
def test_slow_heads_end_behind_tls_too(server, trusting):
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    with trusting.wrap_socket(raw, server_hostname="localhost") as client:
        client.sendall(GET[:20])
        assert client.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_a_renewed_certificate_is_used_without_a_restart(folder, trusting, monkeypatch, caplog):
    files = LocalCertificates(folder)
    files.open(())
    files.renew(("localhost",))
    monkeypatch.setattr("zenith.server.tls.ASK_EVERY", 0.0)
    context = given_context(files.server, files.server, "https://localhost", LIMIT)

    def talk():
        assert https(server, trusting)[0].endswith(b"size 0")
        old = files.server.read_bytes()
        files.server.unlink()
        files.renew(("localhost",))
        assert files.server.read_bytes() != old
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        with trusting.wrap_socket(raw, server_hostname="localhost") as client:
            served = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
        assert served.strip() in files.server.read_text()
        # What cannot be used is not used.
        files.server.write_text("half a file")
        assert https(server, trusting)[0].endswith(b"size 0")
        assert "the certificate stays as it was" in caplog.text
        server.connect()  # nobody waits for it when the server stops

    with running(BoundedHttpTools, Serving(), tls=context) as server:
        server.talk(talk)


async def test_a_port_that_closes_waits_for_handshakes(folder, monkeypatch):
    monkeypatch.setattr(listening, "AT_ONCE", 2)
    context = local_context(folder, (), "https://localhost", LIMIT)
    port = socket.create_server(("127.0.0.1", 0))
    front = listening.Front(asyncio.get_running_loop(), asyncio.Protocol, port, context)
    front.listen(5)
    clients = [socket.create_connection(port.getsockname()) for _ in range(4)]
    for each in clients[:2]:
        each.send(b"\x16")
    clients[2].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    clients[2].close()
    for _ in range(200):
        if front._shaking and len(front._waiting) == 1:
            break
        await asyncio.sleep(0.005)
    (silent,) = front._waiting
    front._begin(silent)
    front.close()
    front._drop(silent)
    await front.wait_closed()
    await front.wait_closed()
    for each in (*clients, port):
        each.close()


@pytest.mark.parametrize(("files", "room"), [(None, 1024), (1000, 250), (2, 1)])
async def test_handshakes_leave_files_to_others(folder, monkeypatch, files, room):
    monkeypatch.setattr(listening, "open_files", lambda: files)
    context = local_context(folder, (), "https://localhost", LIMIT)
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as port:
        assert listening.Front(loop, asyncio.Protocol, port, context)._room == room


async def test_no_room_for_files_is_waited_for(folder, monkeypatch):
    """A port that is ready and cannot be accepted from would keep the loop busy."""
    monkeypatch.setattr(listening, "PAUSE", 0.01)

    class Full(socket.socket):
        asked = 0

        def accept(self):
            self.asked += 1
            raise OSError(errno.EMFILE, "a test")

    port = Full()
    port.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    context = local_context(folder, (), "https://localhost", LIMIT)
    front = listening.Front(loop, asyncio.Protocol, port, context)
    front.listen(5)
    client = socket.create_connection(port.getsockname())
    began = time.monotonic()
    while port.asked < 3:
        await asyncio.sleep(0.002)
        assert time.monotonic() - began < 5
    assert port.asked <= 1 + (time.monotonic() - began) / 0.01
    front.close()
    asked = port.asked
    await asyncio.sleep(0.03)
    assert port.asked == asked
    client.close()
    port.close()


def test_ports_without_tls_are_what_they_were():
    loop = listening.with_front(asyncio.SelectorEventLoop)()

    async def serve():
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        server.close()
        return type(server).__name__

    try:
        assert loop.run_until_complete(serve()) == "Server"
    finally:
        loop.close()


def test_without_uvloop(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    loop = listening.new_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()
