"""Settings of receivers: checked at the start, and without secrets in what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenith.audit import AuditSettings
from zenith.audit.shipping import OtlpSettings, SyslogSettings, WebhookSettings
from zenith.audit.shipping.http_receiver import settings_of
from zenith.audit.shipping.receivers import make_shippers
from zenith.kernel.environment import read_section
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

SECRET = Secret("wh-0123456789abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"address": "https://logs.example.org"}, "no address of a syslog server"),
        ({"address": "tls://"}, "no address of a syslog server"),
        ({"address": "tls://user@logs.example.org"}, "no address of a syslog server"),
        ({"address": "tls://logs.example.org/path"}, "no address of a syslog server"),
        ({"address": "tls://logs.example.org?x"}, "no address of a syslog server"),
        ({"address": "unix://host/dev/log"}, "no address of a syslog server"),
        ({"address": "unix:"}, "no address of a syslog server"),
        ({"address": "tls://logs.example.org:99999"}, "is no address"),
        ({"address": "udp://logs.example.org"}, "in the clear"),
        ({"address": "tcp://192.0.2.1:601"}, "in the clear"),
        ({"address": "tls://l", "facility": 24}, "facility is 24"),
        ({"address": "tls://l", "app_name": "a b"}, "no APP-NAME"),
        ({"address": "tls://l", "ca_file": Path("/nowhere")}, "ca_file is no file"),
        ({"address": "tls://l", "client_certificate": Path("/nowhere")}, "is no file"),
    ],
)
def test_an_unsafe_syslog_server_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        SyslogSettings(**fields)


@pytest.mark.parametrize(
    ("address", "port"),
    [("udp://127.0.0.1", 514), ("tcp://[::1]", 601), ("tls://l", 6514), ("tls://l:1", 1)],
)
def test_ports_are_the_usual_ones(address: str, port: int) -> None:
    assert SyslogSettings(address=address).port == port


def test_the_clear_is_allowed_by_name() -> None:
    assert SyslogSettings(address="udp://logs.example.org", allow_unencrypted=True).port == 514


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": "ftp://c.example"}, "otlp.url is no address"),
        ({"url": "https://"}, "otlp.url is no address"),
        ({"url": "https://u:p@c.example"}, "otlp.url is no address"),
        ({"url": "https://c.example/ x"}, "otlp.url is no address"),
        ({"url": "https://[::1"}, "otlp.url is no address"),
        ({"url": "http://c.example"}, "in the clear"),
        ({"url": "https://c.example", "ca_file": Path("/nowhere")}, "otlp.ca_file is no file"),
        ({"url": "https://c.example", "exposed_internal_networks": ("x",)}, "internal_networks"),
        ({"url": "https://c.example", "headers": {"a b": Secret("x")}}, "no header"),
        ({"url": "https://c.example", "headers": {"a": Secret("x\n")}}, "no header"),
        ({"url": "https://c.example", "headers": {"a": Secret("\u00e9")}}, "no header"),
    ],
)
def test_an_unsafe_collector_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        OtlpSettings(**fields)


def test_a_weak_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is shorter than 256 bits"):
        WebhookSettings(url="https://c.example", secret=Secret("short"))
    with pytest.raises(ConfigurationError, match="previous_secret is shorter"):
        WebhookSettings(url="https://c.example", secret=SECRET, previous_secret=Secret("short"))
    with pytest.raises(ConfigurationError, match="is no base64"):
        WebhookSettings(url="https://c.example", secret=Secret("whsec_" + SECRET.reveal()))
    encoded = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert WebhookSettings(url="https://c.example", secret=encoded).secret == encoded


def test_nothing_shows_a_secret() -> None:
    settings = AuditSettings(
        webhook=WebhookSettings(url="https://c.example/secret-path", secret=SECRET),
        otlp=OtlpSettings(url="https://c.example/secret-path", headers={"k": Secret("secret-2")}),
    )
    shown = f"{settings!r} {[each.name for each in make_shippers(settings)]}"
    assert "secret-" not in shown
    assert "wh-0123" not in shown


def test_the_environment_names_them() -> None:
    variables = {
        "A__SYSLOG__ADDRESS": "tls://logs.example.org",
        "A__OTLP__URL": "https://c.example/v1/logs",
        "A__OTLP__HEADERS": '{"Api-Key": "k"}',
        "A__WEBHOOK__URL": "https://c.example/hook",
        "A__WEBHOOK__SECRET": SECRET.reveal(),
        "A__SINK_QUEUE_SIZE": "200",
    }
    settings = read_section(AuditSettings, variables, prefix="A__")
    assert settings.otlp is not None
    assert settings.otlp.headers == {"Api-Key": Secret("k")}
    assert [each.name for each in make_shippers(settings)] == [
        "syslog tls://logs.example.org",
        "otlp c.example:443",
        "webhook c.example:443",
    ]
    assert make_shippers(AuditSettings()) == ()


def test_a_receiver_may_be_called_and_nobody_else() -> None:
    far = settings_of(OtlpSettings(url="https://c.example:4318"))
    assert (far.allowed_hosts, far.ports) == (("c.example",), (4318,))
    assert not far.allow_unencrypted
    assert far.exposed_internal_networks == ()
    assert far.max_redirects == 0
    near = settings_of(OtlpSettings(url="http://localhost:4318"))
    assert near.allow_unencrypted
    assert near.exposed_internal_networks == ("127.0.0.0/8", "::1/128")
    inside = OtlpSettings(url="https://c.internal", exposed_internal_networks=("10.1.0.0/16",))
    assert settings_of(inside).exposed_internal_networks == ("10.1.0.0/16",)
