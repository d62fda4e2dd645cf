"""Settings of sessions and their cookie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from zenith.kernel.errors import ConfigurationError

SameSite: TypeAlias = Literal["Lax", "Strict"]

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
MAX_LIFETIME: Final = 400 * DAY
"""Browsers keep no cookie for longer (RFC 6265bis section 5.5)."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HOST: Final = "__Host-"
_PREFIXES: Final = ("__host-", "__secure-", "__http-")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """How long a sign-in lasts and how its cookie travels. Checked at construction."""

    idle_lifetime: float = 12 * HOUR
    """Seconds without use after which a browser's session ends (ASVS 7.3.1)."""

    absolute_lifetime: float = 7 * DAY
    """Seconds after sign-in at which it ends in any case (ASVS 7.3.2)."""

    touch_interval: float = 60.0
    """Use is written down at most once in so many seconds."""

    secure_cookies: bool = True
    """Off: the cookie also travels over plain http, where anybody on the way can copy it. For
    development on localhost (ASVS 3.3.1)."""

    cookie_name: str = "zenith-session"
    """Name of the cookie, without `__Host-`, which is put before it while `secure_cookies` is on
    (ASVS 3.3.3)."""

    same_site: SameSite = "Lax"
    """Lax: links from other sites arrive signed in, their forms do not. Strict: neither does
    (ASVS 3.3.2)."""

    cache_entries: int = 10_000
    """Sessions kept ready in memory, each for at most one second."""

    def __post_init__(self) -> None:
        _check_range("idle_lifetime", self.idle_lifetime, 60.0, MAX_LIFETIME)
        _check_range("absolute_lifetime", self.absolute_lifetime, 60.0, MAX_LIFETIME)
        _check_range("touch_interval", self.touch_interval, 1.0, self.idle_lifetime / 2)
        _check_range("cache_entries", self.cache_entries, 1, 1_000_000)
        if self.idle_lifetime > self.absolute_lifetime:
            raise ConfigurationError(
                "sessions.idle_lifetime is longer than sessions.absolute_lifetime",
                fix="let idle sessions end first, such as after 12 hours of 7 days",
            )
        if self.same_site not in get_args(SameSite):
            raise ConfigurationError(
                f"sessions.same_site is {self.same_site!r}", fix="choose Lax or Strict"
            )
        name = self.cookie_name
        if not _NAME.fullmatch(name) or name.lower().startswith(_PREFIXES):
            raise ConfigurationError(
                f"sessions.cookie_name is {name!r}",
                fix="use letters, digits, `_`, `.` and `-`, and leave the prefix to Zenith",
            )

    @property
    def cookie(self) -> str:
        """The cookie's whole name."""
        return f"{_HOST}{self.cookie_name}" if self.secure_cookies else self.cookie_name

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the settings that loosen a default."""
        return () if self.secure_cookies else ("secure_cookies",)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(
            f"sessions.{name} is {value:g}", fix=f"set it between {low:g} and {high:g}"
        )
