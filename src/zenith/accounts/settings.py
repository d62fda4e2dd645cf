"""Settings of accounts and their flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.rate_limits.limit import parse_limits

MAX_PAUSE: Final = 10.0
MINUTE: Final = 60.0
DAY: Final = 24 * 60 * 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSettings:
    """How people come in. Checked at construction."""

    open_registration: bool = True
    """Whether anybody may register. Off: only an administrator makes accounts."""

    default_roles: tuple[str, ...] = ("user",)
    """Roles of a new account."""

    sign_in_limit: str = "10/minute"
    """Attempts per address, and per account, that are let through to the password check."""

    register_limit: str = "10/minute"
    """Registrations per address."""

    register_seconds: float = 0.6
    """Registration answers after a multiple of this many seconds, so that time does not tell
    whether the e-mail was taken. Zero turns that protection off."""

    setup_link_lifetime: float = 30 * 60.0
    """Seconds for which the first-run link can create the administrator."""

    def __post_init__(self) -> None:
        for name in ("sign_in_limit", "register_limit"):
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
        if not MINUTE <= self.setup_link_lifetime <= DAY:
            raise ConfigurationError(
                f"accounts.setup_link_lifetime is {self.setup_link_lifetime:g}",
                fix=f"set it between {MINUTE:g} and {DAY:g} seconds",
            )
