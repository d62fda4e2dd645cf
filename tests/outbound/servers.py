"""Other servers, on loopback: with TLS, as slow, endless, large or misleading as a test wants."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zenith.outbound import OutboundSettings

LOOPBACK = "127.0.0.1"


@dataclass
class Call:
    """What a server was asked."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """A server that answers with `answer`: bytes, or `async (call, writer)`."""

    answer: object = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    port: int = 0
    connections: int = 0
    calls: list[Call] = field(default_factory=list)

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                self.calls.append(await read(reader))
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                    await writer.drain()
                else:
                    await self.answer(self.calls[-1], writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


async def read(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, target, headers, body)


@asynccontextmanager
async def running(answer=None, *, host=LOOPBACK, port=0, tls=None):
    site = Site() if answer is None else Site(answer)
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        await site.serve(reader, writer)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reply(body=b"", *, status="200 OK", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def inside(*ports, **settings):
    """Settings of tests: plain HTTP to the servers of this module."""
    given = {"allow_unencrypted": True, "exposed_internal_networks": (LOOPBACK,)} | settings
    return OutboundSettings(ports=ports or (80,), **given)


class Names:
    """Name servers in one object: each name has a list of answers, given one after the other; the
    last stays. A name that it does not know has none.
    """

    def __init__(self, **answers):
        self.answers = {
            name.replace("_", "."): [list(answer) for answer in series]
            for name, series in answers.items()
        }
        self.asked = Counter()

    async def __call__(self, host):
        series = self.answers.get(host, [[]])
        answer = series[min(self.asked[host], len(series) - 1)]
        self.asked[host] += 1
        return answer


class Authority:
    """A certificate authority of the tests."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self.certificate = (
            self._builder(name, name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def client_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(
            cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        )
        return context

    def server_context(self, folder, *names, days=1, seen=None):
        """For a server of these names or addresses; `seen` collects the names that TLS asks for."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = (
            self._builder(subject, self.certificate.subject, key.public_key(), days)
            .add_extension(
                x509.SubjectAlternativeName([_general(n) for n in names]), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        file = folder / f"{abs(hash((names, days)))}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        if seen is not None:
            context.sni_callback = lambda _socket, name, _context: seen.append(name)
        return context

    def _builder(self, subject, issuer, key, days=1):
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=days))
        )


def _general(name):
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
