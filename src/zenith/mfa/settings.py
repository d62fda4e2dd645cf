"""Settings of second factors."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.rate_limits.limit import parse_limits

DAY: Final = 24 * 60 * 60.0
MAX_TRUST: Final = 365 * DAY
MAX_ISSUER: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaSettings:
    """What people prove besides their password. Checked at construction."""

    issuer: str = "Zenith"
    """What authenticator apps and passkey dialogs call this application."""

    required_roles: tuple[str, ...] = ()
    """Who holds one of these roles, directly or implied, must have a second factor; until then
    nothing but adding one is allowed. Where any role is named, whoever removes his last factor is
    signed out."""

    attempt_limit: str = "5/5minutes;50/day"
    """Codes per account, or per device where the owner has signed in before, that are let through
    to the check, over all processes: the database counts."""

    trusted_device_lifetime: float = 30 * DAY
    """Seconds for which a device need not prove a second factor again, if its owner says so at
    sign-in. Zero: every sign-in asks."""

    passkeys: bool = True
    """Whether passkeys can be added and used. They need the extra `passkeys`."""

    def __post_init__(self) -> None:
        try:
            parse_limits(self.attempt_limit)
        except ConfigurationError as error:
            raise ConfigurationError(f"mfa.attempt_limit: {error.problem}", fix=error.fix) from None
        if not 0.0 <= self.trusted_device_lifetime <= MAX_TRUST:
            raise ConfigurationError(
                f"mfa.trusted_device_lifetime is {self.trusted_device_lifetime:g}",
                fix=f"set it between 0 and {MAX_TRUST:g} seconds",
            )
        issuer = self.issuer
        if not (0 < len(issuer) <= MAX_ISSUER and issuer.isprintable() and ":" not in issuer):
            raise ConfigurationError(
                "mfa.issuer cannot stand in an authenticator app",
                fix=f"use 1 to {MAX_ISSUER} printable characters without `:`",
            )
