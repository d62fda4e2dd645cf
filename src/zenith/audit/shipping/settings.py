"""Settings of the places that events are sent to."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength
from zenith.kernel.network import parse_networks
from zenith.kernel.records import dataclass
from zenith.kernel.tls import client_context

SYSLOG_PORTS: Final[Mapping[str, int]] = {"udp": 514, "tcp": 601, "tls": 6514, "unix": 0}
HTTP_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
ENCODED: Final = "whsec_"
"""Before a secret in base64 (Standard Webhooks)."""
FACILITIES: Final = range(24)
_APP_NAME: Final = re.compile(r"[!-~]{1,48}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class SyslogSettings:
    """A syslog server. Checked at construction."""

    address: str
    """`tls://host:6514`, `tcp://host:601`, `udp://host:514` or `unix:///dev/log`."""

    app_name: str = "zenith"
    """APP-NAME of the messages."""

    facility: int = 13
    """Facility of the messages: 13 is `log audit`, 10 `authpriv`, 16 to 23 are `local0` to 7."""

    ca_file: Path | None = None
    """Authority that signed the server's certificate; None for the system's."""

    client_certificate: Path | None = None
    """Certificate and key of this application, in one PEM file, for a server that asks."""

    allow_unencrypted: bool = False
    """Lost: by `tcp:` and `udp:` whoever is on the way reads and changes the log, and by `udp:`
    what the network drops nobody hears of. To this machine itself they need no leave."""

    def __post_init__(self) -> None:
        url = _split(self.address, "syslog.address")
        if url.scheme not in SYSLOG_PORTS or not _is_place(url) or url.query or url.fragment:
            raise ConfigurationError(
                f"audit.syslog.address is no address of a syslog server: `{self.address}`",
                fix="write tls://logs.example.org:6514, tcp:, udp:, or unix:///dev/log",
            )
        is_open = url.scheme in {"tcp", "udp"}
        if is_open and not self.allow_unencrypted and not _is_local(url.hostname or ""):
            raise ConfigurationError(
                f"audit.syslog.address sends the log in the clear: `{self.address}`",
                fix="use tls://, or set audit.syslog.allow_unencrypted",
            )
        if self.facility not in FACILITIES:
            raise ConfigurationError(
                f"audit.syslog.facility is {self.facility}", fix="set it between 0 and 23"
            )
        if not _APP_NAME.fullmatch(self.app_name):
            raise ConfigurationError(
                "audit.syslog.app_name is no APP-NAME", fix="at most 48 printable ASCII characters"
            )
        _check_file("syslog.ca_file", self.ca_file)
        _check_file("syslog.client_certificate", self.client_certificate)

    @property
    def port(self) -> int:
        """The port, or the usual one."""
        url = urlsplit(self.address)
        return url.port or SYSLOG_PORTS[url.scheme]

    def tls_context(self) -> ssl.SSLContext:
        """What verifies the server. Reads files: call it in a thread."""
        context = client_context(self.ca_file)
        if self.client_certificate is not None:
            context.load_cert_chain(self.client_certificate)
        return context


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpTarget:
    """An address that events are posted to. Checked at construction."""

    url: str = field(repr=False)
    """Where to: `https://...`; `http:` only to this machine itself. Its path may be a secret."""

    ca_file: Path | None = None
    """Authority that signed the receiver's certificate; None for the system's."""

    exposed_internal_networks: tuple[str, ...] = ()
    """Private networks in which the receiver may be, such as `10.20.0.0/16`."""

    allow_unencrypted: bool = False
    """Lost: whoever is on the way reads and changes the log."""

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        name = f"audit.{self._name()}"
        url = _split(self.url, f"{self._name()}.url")
        plain = self.url.isascii() and self.url.isprintable() and " " not in self.url
        if url.scheme not in HTTP_PORTS or not url.hostname or url.username or not plain:
            raise ConfigurationError(
                f"{name}.url is no address to post to", fix="write https://host/path"
            )
        if url.scheme == "http" and not self.allow_unencrypted and not self.is_local:
            raise ConfigurationError(
                f"{name}.url sends the log in the clear",
                fix=f"use https:, or set {name}.allow_unencrypted",
            )
        _check_file(f"{self._name()}.ca_file", self.ca_file)
        parse_networks(self.exposed_internal_networks, setting=f"{name}.exposed_internal_networks")

    def _name(self) -> str:
        return type(self).__name__.removesuffix("Settings").lower()

    @property
    def host(self) -> str:
        """The receiver's host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The receiver's port."""
        url = urlsplit(self.url)
        return url.port or HTTP_PORTS[url.scheme]

    @property
    def is_local(self) -> bool:
        """Whether it is this machine itself."""
        return _is_local(self.host)


@dataclass(frozen=True, kw_only=True, slots=True)
class OtlpSettings(HttpTarget):
    """A collector of OpenTelemetry logs, by OTLP over HTTP. Checked at construction."""

    headers: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    """Headers of each request, such as the key of the collector, as a JSON object."""

    service_name: str = "zenith"
    """The resource's `service.name`."""

    def __post_init__(self) -> None:
        self._check()
        for name, value in self.headers.items():
            text = value.reveal()
            if not _HEADER.fullmatch(name) or not text.isascii() or not text.isprintable():
                raise ConfigurationError(
                    "audit.otlp.headers holds what is no header", fix="names and values in ASCII"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSettings(HttpTarget):
    """A webhook that takes events as signed JSON. Checked at construction."""

    secret: Secret
    """Signs each request; the receiver has the same. At least 256 bits, as text, or in base64 after
    `whsec_`."""

    previous_secret: Secret | None = None
    """The secret before this one; while it is set both sign, so that the receiver can change."""

    def __post_init__(self) -> None:
        self._check()
        _check_secret(self.secret, "audit.webhook.secret")
        if self.previous_secret is not None:
            _check_secret(self.previous_secret, "audit.webhook.previous_secret")


def _check_secret(secret: Secret, setting: str) -> None:
    check_strength(secret, setting=setting)
    text = secret.reveal()
    if not text.startswith(ENCODED):
        return
    try:
        base64.b64decode(text.removeprefix(ENCODED), validate=True)
    except ValueError:
        raise ConfigurationError(f"{setting} is no base64", fix="copy it whole") from None


def _split(text: str, setting: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ConfigurationError(f"audit.{setting} is no address", fix="write one") from None
    return url


def _is_place(url: SplitResult) -> bool:
    if url.scheme == "unix":
        return not url.netloc and len(url.path) > 1
    return bool(url.hostname) and not url.username and url.path in {"", "/"}


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_file(name: str, path: Path | None) -> None:
    if path is not None and not path.is_file():
        raise ConfigurationError(f"audit.{name} is no file: {path}", fix="name a PEM file")
