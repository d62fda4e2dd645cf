"""Settings of accounts and their flows."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.rate_limits.limit import parse_limits

MAX_PAUSE: Final = 10.0
MINUTE: Final = 60.0
DAY: Final = 24 * 60 * 60.0
TOKEN: Final = "{token}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSettings:
    """How people come in. Checked at construction."""

    open_registration: bool = True
    """Whether anybody may register. Off: only an administrator makes accounts."""

    default_roles: tuple[str, ...] = ("user",)
    """Roles of a new account."""

    sign_in_limit: str = "10/minute"
    """Attempts per address, or per device that the account knows, that are let through to the
    password check. What failures at one account lead to is set in `abuse`."""

    register_limit: str = "10/minute"
    """Registrations per address."""

    register_seconds: float = 0.6
    """Registration, requests for mails and, where addresses must be confirmed, refused sign-ins
    answer after a multiple of this many seconds, so that time does not tell whether the e-mail has
    an account. Zero turns that protection off."""

    setup_link_lifetime: float = 30 * 60.0
    """Seconds for which the first-run link can create the administrator."""

    require_verified_email: bool | None = None
    """Whether a password opens an account only once its e-mail address is confirmed. None: in
    production, where mail is set."""

    mail_limit: str = "10/minute"
    """Requests for mails, and uses of mailed links, per address."""

    mailbox_limit: str = "6/hour"
    """Mails to one address that strangers can cause. Those that set a password, those that confirm
    an address and reminders at a refused sign-in count each for themselves, so that nobody uses up
    the owner's way in by asking for others."""

    verify_link_lifetime: float = DAY
    """Seconds for which the link that confirms the address of a new account works."""

    reset_link_lifetime: float = 30 * MINUTE
    """Seconds for which links work that replace the password or the address."""

    revert_link_lifetime: float = 3 * DAY
    """Seconds for which the owner of a replaced address can take the account back."""

    verify_link: str = "/account/verify-email/{token}"
    """Page that mails lead to, below the origin. A single-page application writes its own, such as
    `/#/verify/{token}`: what follows the # reaches no server and no log."""

    reset_link: str = "/account/reset/{token}"
    """The same for a new password."""

    change_email_link: str = "/account/confirm-email/{token}"
    """The same for a new address."""

    revert_email_link: str = "/account/revert-email/{token}"
    """The same to bring an address back."""

    def __post_init__(self) -> None:
        for name in ("sign_in_limit", "register_limit", "mail_limit", "mailbox_limit"):
            try:
                parse_limits(getattr(self, name))
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"accounts.{name}: {error.problem}", fix=error.fix
                ) from None
        if not 0.0 <= self.register_seconds <= MAX_PAUSE:
            raise ConfigurationError(
                f"accounts.register_seconds is {self.register_seconds:g}",
                fix=f"set it between 0 and {MAX_PAUSE:g}",
            )
        _check_lifetime("setup_link_lifetime", self.setup_link_lifetime, DAY)
        _check_lifetime("verify_link_lifetime", self.verify_link_lifetime, 7 * DAY)
        _check_lifetime("reset_link_lifetime", self.reset_link_lifetime, DAY)
        _check_lifetime("revert_link_lifetime", self.revert_link_lifetime, 30 * DAY)
        for name in ("verify_link", "reset_link", "change_email_link", "revert_email_link"):
            _check_link(name, getattr(self, name))


def _check_lifetime(name: str, value: float, longest: float) -> None:
    if not MINUTE <= value <= longest:
        raise ConfigurationError(
            f"accounts.{name} is {value:g}",
            fix=f"set it between {MINUTE:g} and {longest:g} seconds",
        )


def _check_link(name: str, value: str) -> None:
    own = value.startswith("/") and not value.startswith("//") and "\\" not in value
    if not own or not value.isascii() or " " in value or value.count(TOKEN) != 1:
        raise ConfigurationError(
            f"accounts.{name} is no path with {TOKEN} in it",
            fix=f"write a path of this application, such as /account/reset/{TOKEN}",
        )
