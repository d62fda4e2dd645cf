"""Messages of RFC 5424, and servers on loopback that take them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.audit.fakes import event
from tests.audit.shipping.places import datagrams, streams
from tests.outbound.servers import Authority
from zenith.audit.redaction import redacted
from zenith.audit.shipping import DeliveryError, SyslogSettings, syslog_receiver
from zenith.audit.shipping.syslog import SyslogFormat
from zenith.audit.shipping.syslog_receiver import SyslogReceiver
from zenith.kernel.events import Event, EventType

SHAPE = re.compile(
    r"<(?P<pri>[0-9]{1,3})>1 (?P<at>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48})"
    r" (?P<pid>[0-9]+) (?P<id>[A-Z_]{1,32})"
    r" (?P<sd>\[zenith@32473(?: [a-z_]+=\"(?:\\[\\\"\]]|[^\\\"\]])*\")*\]) (?P<text>\{.*\})"
)


def parsed(message: bytes) -> re.Match[str]:
    found = SHAPE.fullmatch(message.decode("utf-8"))
    assert found is not None, message
    return found


def test_a_message_has_the_shape_of_the_rfc() -> None:
    written = SyslogFormat(host="app-1").message(
        event(EventType.LOGIN_FAILED, severity="WARNING", subject="ada", trace_id="ab" * 16)
    )
    found = parsed(written)
    assert found["pri"] == str(13 * 8 + 4)
    assert found["at"] == "2027-01-15T08:00:00.500Z"
    assert (found["host"], found["app"], found["pid"]) == ("app-1", "zenith", str(os.getpid()))
    assert found["id"] == "LOGIN_FAILED"
    assert f'outcome="success" subject="ada" trace_id="{"ab" * 16}"' in found["sd"]
    assert json.loads(found["text"])["subject"] == "ada"


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_fits_the_message_id(kind: EventType) -> None:
    assert parsed(SyslogFormat().message(event(kind)))["id"] == kind


@pytest.mark.parametrize(
    ("severity", "number"), [("INFO", 6), ("WARNING", 4), ("ERROR", 3), ("CRITICAL", 2)]
)
def test_severities_are_those_of_syslog(severity: str, number: int) -> None:
    written = SyslogFormat(facility=4).message(event(severity=severity))
    assert parsed(written)["pri"] == str(32 + number)


def test_names_in_the_header_are_made_to_fit() -> None:
    written = SyslogFormat(host="my host\n" + "h" * 300, app_name="a b").message(event())
    assert (len(parsed(written)["host"]), parsed(written)["app"]) == (255, "ab")
    assert b" - zenith " in SyslogFormat(host="\u00e9").message(event())


def test_the_largest_event_fits_one_datagram() -> None:
    large = redacted(
        event(
            subject="\U0001f600" * 9999,
            target='"' * 9999,
            reason="\U0001f600" * 9999,
            user_agent="\U0001f600" * 9999,
            details={str(number): "\U0001f600" * 9999 for number in range(99)},
        )
    )
    written = SyslogFormat().message(large)
    assert len(written) < 65_507
    assert "left_out" in parsed(written)["text"]


async def test_streams_carry_messages_with_their_length_before_them() -> None:
    async with streams() as place:
        receiver = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{place.port}"))
        assert receiver.name == f"syslog tcp://127.0.0.1:{place.port}"
        await receiver.deliver([event(subject="\u00e9"), event(subject="b")])
        await receiver.deliver([event(subject="c")])
        messages = await place.wait_for(3)
        assert 'subject="\u00e9"' in parsed(messages[0])["sd"]
        assert [json.loads(parsed(m)["text"])["subject"] for m in messages[1:]] == ["b", "c"]
        assert place.connections == 1
        await receiver.close()
        await receiver.close()


async def test_what_a_broken_connection_swallowed_is_sent_again() -> None:
    async with streams() as place:
        receiver = SyslogReceiver(SyslogSettings(address=f"tcp://localhost:{place.port}"))
        await receiver.deliver([event(subject="a")])
        await place.wait_for(1)
        place.writers[0].close()
        await asyncio.sleep(0.02)
        await receiver.deliver([event(subject="b")])
        messages = await place.wait_for(3)
        subjects = [json.loads(parsed(message)["text"])["subject"] for message in messages]
        assert subjects == ["a", "a", "b"]
        await receiver.close()


async def taken_of(receiver: SyslogReceiver, batches: Sequence[Sequence[Event]]) -> int:
    """How many of them went out."""
    for number, batch in enumerate(batches):
        try:
            await receiver.deliver(batch)
        except DeliveryError:
            return number
    raise AssertionError("there is no end to what a server takes")


async def test_what_a_server_took_and_never_read_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody is told that it was never read: not by the server, and not by TCP."""
    monkeypatch.setattr(syslog_receiver, "SEND_TIMEOUT", 0.2)
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen()
        port = hung.getsockname()[1]
        receiver = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{port}"))
        batches = [
            [event(subject=f"{batch} {number}", details={"x": "y" * 400}) for number in range(20)]
            for batch in range(200)
        ]
        taken = await taken_of(receiver, batches)
        hung.accept()[0].close()
    async with streams(port=port) as place:
        for batch in batches[taken : taken + 2]:
            await receiver.deliver(batch)
        messages = await place.wait_for((taken + 2) * 20)
        subjects = [json.loads(parsed(message)["text"])["subject"] for message in messages]
        assert subjects == [each.subject for batch in batches[: taken + 2] for each in batch]
        await receiver.close()
    assert taken > 1
    assert sum(map(len, receiver._sent)) < 2 * syslog_receiver.KEPT


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    receiver = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{port}"))
    with pytest.raises(DeliveryError) as caught:
        await receiver.deliver([event()])
    assert not caught.value.is_final
    missing = SyslogReceiver(SyslogSettings(address="unix:///nowhere/at/all"))
    with pytest.raises(DeliveryError, match="No such file"):
        await missing.deliver([event()])


async def test_a_server_that_reads_nothing_does_not_hang_the_sender(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syslog_receiver, "SEND_TIMEOUT", 0.1)

    done = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # a server that hangs
        await done.wait()
        writer.transport.abort()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{port}"))
    many = [event(details={"x": "y" * 500}) for _ in range(100)]
    with pytest.raises(DeliveryError, match="no answer in time"):
        await _fill(receiver, many)
    done.set()
    server.close()
    await asyncio.sleep(0.01)


async def _fill(receiver: SyslogReceiver, many: list[Event]) -> None:
    for _ in range(500):
        await receiver.deliver(many)


async def test_who_is_stopped_closes_what_it_opened() -> None:
    async with streams() as place:
        receiver = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{place.port}"))
        await receiver.deliver([event()])
        receiver._writer.drain = _cancelled  # type: ignore[union-attr, method-assign]
        with pytest.raises(asyncio.CancelledError):
            await receiver.deliver([event()])
        assert receiver._writer is None


async def _cancelled() -> None:
    raise asyncio.CancelledError


async def test_datagrams_by_udp_and_by_a_unix_socket(tmp_path: Path) -> None:
    async with datagrams() as place:
        receiver = SyslogReceiver(SyslogSettings(address=f"udp://127.0.0.1:{place.port}"))
        await receiver.deliver([event(subject="a"), event(subject="b")])
        await receiver.deliver([event(subject="c")])
        assert len(await place.wait_for(3)) == 3
        assert 'subject="a"' in parsed(place.messages[0])["sd"]
        await receiver.close()
    path = str(tmp_path / "log")
    async with datagrams(path) as place:
        receiver = SyslogReceiver(SyslogSettings(address=f"unix://{path}"))
        await receiver.deliver([event(subject="a") for _ in range(300)])
        assert len(await place.wait_for(300)) == 300
        await receiver.close()


async def test_a_socket_that_cannot_be_connected_is_not_kept_open(tmp_path: Path) -> None:
    receiver = SyslogReceiver(SyslogSettings(address=f"unix://{tmp_path / 'missing'}"))
    with pytest.raises(DeliveryError):
        await receiver.deliver([event()])
    assert receiver._datagrams is None


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca_file(tmp_path: Path, authority: Authority) -> Path:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    return file


async def test_tls_carries_messages_to_the_server_that_was_meant(
    tmp_path: Path, authority: Authority, ca_file: Path
) -> None:
    async with streams(authority.server_context(tmp_path, "localhost")) as place:
        address = f"tls://localhost:{place.port}"
        receiver = SyslogReceiver(SyslogSettings(address=address, ca_file=ca_file))
        await receiver.deliver([event(subject="a")])
        assert 'subject="a"' in parsed((await place.wait_for(1))[0])["sd"]
        await receiver.close()
        # The connection is opened again, with the same authorities.
        await receiver.deliver([event(subject="b")])
        await place.wait_for(2)
        await receiver.close()


async def test_a_server_of_another_name_or_authority_gets_nothing(
    tmp_path: Path, authority: Authority, ca_file: Path
) -> None:
    async with streams(authority.server_context(tmp_path, "other.example")) as place:
        address = f"tls://localhost:{place.port}"
        for file in (ca_file, None):
            receiver = SyslogReceiver(SyslogSettings(address=address, ca_file=file))
            with pytest.raises(DeliveryError, match="the certificate does not hold"):
                await receiver.deliver([event()])
        assert place.messages == []


def test_a_certificate_of_ones_own_is_shown(tmp_path: Path, authority: Authority) -> None:
    authority.server_context(tmp_path, "client.example")
    (file,) = tmp_path.glob("*.pem")
    settings = SyslogSettings(address="tls://localhost", client_certificate=file)
    assert settings.tls_context().check_hostname
    assert settings.port == 6514


def test_contexts_verify(ca_file: Path) -> None:
    for file in (None, ca_file):
        context = SyslogSettings(address="tls://localhost", ca_file=file).tls_context()
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
