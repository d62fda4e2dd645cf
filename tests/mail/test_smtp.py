"""Mail to a real SMTP server on loopback: encrypted, refused, slow and gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from aiosmtpd.smtp import SMTP

from tests.mail.server import (
    PASSWORD,
    USERNAME,
    Received,
    certificate,
    context,
    listening,
    receiver,
)
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.mail import Mail, MailError, MailSettings
from zenith.mail.smtp import SmtpMailer

MAIL = Mail(
    to="ada@example.org",
    subject="Grüße · Zenith",
    text="Open\nhttps://app.example.org/account/reset/" + "x" * 90 + "\n",
    html="<p>Öffnen</p>",
    kind="reset_password",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def received():
    return Received()


def mailer(port, files=None, **more):
    values = {
        "host": "localhost",
        "port": port,
        "sender": "no-reply@example.org",
        "sender_name": "Grüner Zenit",
        "ca_file": None if files is None else files[0],
        "timeout": 5.0,
    }
    return SmtpMailer(MailSettings(**(values | more)), clock=lambda: 1_700_000_000.0)


async def refusal(sender):
    with pytest.raises(MailError) as caught:
        await sender.send(MAIL)
    assert "ada" not in str(caught.value)
    return caught.value


async def test_a_mail_arrives_whole_over_starttls(files, received):
    async with listening(receiver(received, files=files)) as port:
        await mailer(port, files).send(MAIL)
    (message,) = received.messages
    assert received.envelopes[0].mail_from == "no-reply@example.org"
    assert received.envelopes[0].rcpt_tos == ["ada@example.org"]
    assert message["From"] == "Grüner Zenit <no-reply@example.org>"
    assert (message["To"], message["Subject"]) == (MAIL.to, MAIL.subject)
    assert parsedate_to_datetime(message["Date"]).timestamp() == 1_700_000_000
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_body(("plain",)).get_content().splitlines() == MAIL.text.splitlines()
    assert message.get_body(("html",)).get_content().strip() == MAIL.html


@pytest.mark.parametrize(
    ("to", "carried"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("grüße@bücher.example", "grüße@xn--bcher-kva.example"),
    ],
)
async def test_addresses_with_other_letters(files, received, to, carried):
    async with listening(receiver(received, files=files)) as port:
        await mailer(port, files).send(replace(MAIL, to=to))
    assert received.envelopes[0].rcpt_tos == [carried]


async def test_a_mail_arrives_over_tls_from_the_first_byte(files, received):
    def make():
        return SMTP(received, hostname="localhost")

    async with listening(make, tls=context(files)) as port:
        await mailer(port, files, security="tls").send(MAIL)
    assert len(received.messages) == 1


async def test_the_server_is_told_who_sends(files, received):
    async with listening(receiver(received, files=files, auth=True)) as port:
        await mailer(port, files, username=USERNAME, password=Secret(PASSWORD)).send(MAIL)
        error = await refusal(mailer(port, files, username=USERNAME, password=Secret("wrong")))
    assert len(received.messages) == 1
    assert (error.reason, error.lasting) == ("SMTPAuthenticationError 535", True)


async def test_a_server_without_tls_gets_nothing(received):
    async with listening(receiver(received)) as port:
        await refusal(mailer(port))
        assert received.messages == []
        await mailer(port, allow_unencrypted=True).send(MAIL)
    assert len(received.messages) == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_a_certificate_that_nobody_vouches_for_gets_nothing(files, received, tmp_path):
    foreign = certificate(tmp_path, host="smtp.example.net")
    for shown, trusted in [(files, None), (foreign, foreign)]:
        async with listening(receiver(received, files=shown)) as port:
            await refusal(mailer(port, trusted))
    assert received.messages == []


@pytest.mark.parametrize(
    ("answer", "reason", "lasting"),
    [
        ("451 ada@example.org: come back later", "SMTPDataError 451", False),
        ("552 ada@example.org: mailbox full", "SMTPDataError 552", True),
    ],
)
async def test_a_refusal_says_whether_it_lasts(files, received, answer, reason, lasting):
    received.refusal = answer
    async with listening(receiver(received, files=files)) as port:
        error = await refusal(mailer(port, files))
    assert (error.reason, error.lasting) == (reason, lasting)


@pytest.mark.parametrize(("code", "lasting"), [(450, False), (550, True)])
async def test_an_unknown_recipient(files, received, code, lasting):
    received.recipient_refusal = f"{code} ada@example.org is not here"
    async with listening(receiver(received, files=files)) as port:
        error = await refusal(mailer(port, files))
    assert (error.reason, error.lasting) == (f"recipient refused [{code}]", lasting)


class Hangs(asyncio.Protocol):
    """Takes the connection and says nothing."""


class Drops(asyncio.Protocol):
    """Greets, and goes."""

    def connection_made(self, transport):
        transport.write(b"220 hello\r\n")
        transport.close()


class Babbles(asyncio.Protocol):
    """Speaks another language."""

    def connection_made(self, transport):
        transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_a_server_that_hangs_costs_a_bounded_time(monkeypatch):
    async with listening(Hangs) as port:
        sender = mailer(port, timeout=1.0)
        monkeypatch.setattr("zenith.mail.smtp.WHOLE", 0.05)
        assert (await refusal(sender)).reason == "TimeoutError"


@pytest.mark.parametrize("server", [Drops, Babbles])
async def test_a_server_that_makes_no_sense(server):
    async with listening(server) as port:
        assert not (await refusal(mailer(port))).lasting


async def test_a_server_that_is_not_there():
    async with listening(Hangs) as port:
        pass
    assert (await refusal(mailer(port))).reason == "SMTPConnectError"


def test_a_sender_is_needed():
    with pytest.raises(ConfigurationError, match="sender is not set"):
        SmtpMailer(MailSettings(host="localhost"))
