"""Settings of mail."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from email_validator import EmailNotValidError, validate_email

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass

MailSecurity: TypeAlias = Literal["starttls", "tls"]
PORTS: Final = {"starttls": 587, "tls": 465}
_PORT_RANGE: Final = range(1, 65_536)
MAX_TIMEOUT: Final = 120.0
MAX_QUEUE: Final = 100_000
MAX_ATTEMPTS: Final = 50
MAX_LIFETIME: Final = 30 * 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSettings:
    """Who carries mail, and in whose name. Checked at construction."""

    host: str
    """Name of the SMTP server; its certificate must be for this name."""

    sender: str | None = None
    """Address that mail comes from. None: `no-reply@` and the host of the origin."""

    sender_name: str = ""
    """Name shown beside it, such as that of the application."""

    port: int | None = None
    """Port of the server. None: 587 for `starttls`, 465 for `tls`."""

    security: MailSecurity = "starttls"
    """`starttls` begins in the clear and refuses to go on without TLS (RFC 3207); `tls` is
    encrypted from the first byte (RFC 8314)."""

    username: str = ""
    """Account at the server; empty where it asks for none."""

    password: Secret | None = None
    """Password of that account."""

    ca_file: Path | None = None
    """Authority that signed the server's certificate; None for the system's."""

    timeout: float = 10.0
    """Seconds for each step of the conversation; a mail may take three times as long in all."""

    queue_size: int = 1_000
    """Mails that anybody can ask for and that may wait at a time; as many again may that tell
    owners of what was done. Those beyond are dropped, and the audit log says so."""

    attempts: int = 8
    """How often a mail is tried, with pauses that grow from seconds to an hour, before it is given
    up."""

    lifetime: float = 86_400.0
    """Seconds for which a mail is worth sending, if its link does not end before."""

    templates: Path | None = None
    """Folder with the application's own `letter.html` and `letter.txt`, or one for a single notice,
    such as `reset_password.html`; what is not in it comes from Zenith."""

    allow_unencrypted: bool = False
    """Lost: whoever is on the way to the server reads each mail, its one-time links and the
    server's password. For a relay on the same machine."""

    def __post_init__(self) -> None:
        if not self.host or not self.host.isprintable() or any(c in self.host for c in " /@"):
            raise ConfigurationError(
                "mail.host is no host name", fix="name the server alone: smtp.example.org"
            )
        if self.security not in get_args(MailSecurity):
            raise ConfigurationError(
                f"mail.security is {self.security!r}", fix="choose starttls or tls"
            )
        self._check_sender()
        self._check_login()
        _check_range("port", self.port_or_usual, _PORT_RANGE.start, _PORT_RANGE.stop - 1)
        _check_range("timeout", self.timeout, 1.0, MAX_TIMEOUT)
        _check_range("queue_size", self.queue_size, 1, MAX_QUEUE)
        _check_range("attempts", self.attempts, 1, MAX_ATTEMPTS)
        _check_range("lifetime", self.lifetime, 60.0, MAX_LIFETIME)
        if self.templates is not None and not self.templates.is_dir():
            raise ConfigurationError(
                "mail.templates is no folder", fix="name a folder, or leave it out"
            )

    def _check_sender(self) -> None:
        try:
            if self.sender is not None:
                validate_email(self.sender, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            raise ConfigurationError(
                "mail.sender is no e-mail address",
                fix="write one, such as ZENITH_MAIL__SENDER=no-reply@example.org",
            ) from None
        if not self.sender_name.isprintable():
            raise ConfigurationError(
                "mail.sender_name has characters that do not print", fix="write one line of text"
            )

    def _check_login(self) -> None:
        if bool(self.username) != bool(self.password):
            raise ConfigurationError(
                "mail.username and mail.password belong together", fix="set both, or neither"
            )

    @property
    def port_or_usual(self) -> int:
        """The port that was set, or the usual one."""
        return PORTS[self.security] if self.port is None else self.port

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the loosened settings, for the start-up report."""
        return ("allow_unencrypted",) if self.allow_unencrypted else ()


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(
            f"mail.{name} is {value:g}", fix=f"set it between {low:g} and {high:g}"
        )
