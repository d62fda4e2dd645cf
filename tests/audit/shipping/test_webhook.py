"""Signed webhooks, and a receiver on loopback that checks them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.audit.fakes import event
from tests.outbound.servers import Authority, reply, running
from zenith.audit.shipping import DeliveryError, WebhookSettings, verify_webhook
from zenith.audit.shipping.webhook import WebhookReceiver, signed_headers
from zenith.kernel.keys import Secret

NOW = 1_800_000_000.0
SECRET = Secret("wh-0123456789abcdefghijklmnopqrstuvwxyz")
OTHER = Secret("wh-zyxwvutsrqponmlkjihgfedcba9876543210")


def receiver(port: int, **fields: Any) -> WebhookReceiver:
    given = {"url": f"http://127.0.0.1:{port}/hook/of/mine", "secret": SECRET, **fields}
    return WebhookReceiver(WebhookSettings(**given), clock=lambda: NOW)


async def test_a_batch_is_posted_and_signed() -> None:
    async with running(reply(status="204 None")) as site:
        sender = receiver(site.port)
        assert sender.name == f"webhook 127.0.0.1:{site.port}"
        await sender.deliver([event(subject="ada", event_id="ab" * 16), event()])
        await sender.close()
    (call,) = site.calls
    assert (call.method, call.target) == ("POST", "/hook/of/mine")
    document = json.loads(call.body)
    assert document["type"] == "zenith.audit"
    assert document["events"][0]["subject"] == "ada"
    assert document["events"][0]["at"] == "2027-01-15T08:00:00.500+00:00"
    assert verify_webhook(call.body, call.headers, SECRET, now=NOW + 299)


async def test_each_attempt_has_the_same_id_and_its_own_time() -> None:
    async with running(reply(status="503 Busy")) as site:
        now = [NOW]
        settings = WebhookSettings(url=f"http://127.0.0.1:{site.port}/", secret=SECRET)
        sender = WebhookReceiver(settings, clock=lambda: now[0])
        batch = [event(event_id="ab" * 16)]
        for _ in range(2):
            with pytest.raises(DeliveryError, match="status 503"):
                await sender.deliver(batch)
            now[0] += 1000
        with pytest.raises(DeliveryError):
            await sender.deliver([event(event_id="cd" * 16)])
        await sender.close()
    first, second, third = site.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-id"] != third.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert verify_webhook(second.body, second.headers, SECRET, now=NOW + 1000)


async def test_while_the_secret_changes_both_sign() -> None:
    async with running() as site:
        sender = receiver(site.port, previous_secret=OTHER)
        await sender.deliver([event()])
        await sender.close()
    (call,) = site.calls
    assert verify_webhook(call.body, call.headers, SECRET, now=NOW)
    assert verify_webhook(call.body, call.headers, OTHER, now=NOW)


def test_the_vector_of_standard_webhooks() -> None:
    headers = signed_headers(
        b'{"test": 2432232314}',
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        [Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        at=1_614_265_330,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "other"},
        {"webhook-timestamp": "1799999000"},
        {"webhook-timestamp": "18000000000000000"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "\u0661"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,\ud800"},
        {"webhook-signature": "v0,x v1,y"},
    ],
)
def test_what_is_forged_or_old_does_not_hold(change: dict[str, str]) -> None:
    content = b"{}"
    headers = signed_headers(content, "id", [SECRET], at=int(NOW))
    assert verify_webhook(content, headers, SECRET, now=NOW)
    assert not verify_webhook(content, {**headers, **change}, SECRET, now=NOW)
    assert not verify_webhook(b"{ }", headers, SECRET, now=NOW)
    assert not verify_webhook(content, headers, OTHER, now=NOW)
    assert not verify_webhook(content, {}, SECRET, now=NOW)
    assert not verify_webhook(content, headers, SECRET, now=NOW + 301)


async def test_https_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = Authority()
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    tls = authority.server_context(tmp_path, "localhost")
    async with running(tls=tls) as site:
        url = f"https://localhost:{site.port}/"
        sender = receiver(site.port, url=url, ca_file=file)
        await sender.deliver([event()])
        await sender.close()
        strange = receiver(site.port, url=url)
        with pytest.raises(DeliveryError, match="TLS failed: SSLCertVerificationError"):
            await strange.deliver([event()])
        await strange.close()
    assert len(site.calls) == 1
