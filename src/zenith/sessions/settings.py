"""Settings of sessions and their cookie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

SameSite: TypeAlias = Literal["Lax", "Strict"]
Binding: TypeAlias = Literal["off", "user_agent", "network", "both"]

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
MAX_LIFETIME: Final = 400 * DAY
"""Browsers keep no cookie for longer (RFC 6265bis section 5.5)."""
MAX_SESSIONS: Final = 10_000
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

    remembered_idle_lifetime: float = 30 * DAY
    """As `idle_lifetime`, for devices that their owner chose to have remembered at sign-in. NIST
    SP 800-63B-4 section 2.1.3 allows 30 days where a password alone is enough."""

    remembered_lifetime: float = 30 * DAY
    """As `absolute_lifetime`, for remembered devices."""

    max_per_account: int = 50
    """Sign-ins that an account has at the same time, more than anybody has devices. One more ends
    the one that was used least recently: of programs if a program signs in, of browsers if a
    browser does, so that neither puts the other out while it has some of its own (ASVS 7.1.2)."""

    bind_to_device: Binding = "off"
    """End a session, or a program's sign-in, that comes from another browser family and system
    (`user_agent`), another network (`network`: /24 of IPv4, /48 of IPv6), or either (`both`). It
    catches a cookie that was copied carelessly. Off, for it also ends what nobody stole: telephones
    change networks all day, and a thief can copy the browser's name along with the cookie."""

    places_database: Path | None = None
    """A file in MaxMind's format, such as GeoLite2 City, from which the list of sign-ins takes
    city and country. Needs the extra `places`. Addresses are looked up in the file alone and sent
    nowhere."""

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
        _check_range("remembered_lifetime", self.remembered_lifetime, 60.0, MAX_LIFETIME)
        _check_range("remembered_idle_lifetime", self.remembered_idle_lifetime, 60.0, MAX_LIFETIME)
        _check_range("max_per_account", self.max_per_account, 1, MAX_SESSIONS)
        _check_range("touch_interval", self.touch_interval, 1.0, self.idle_lifetime / 2)
        _check_range("cache_entries", self.cache_entries, 1, 1_000_000)
        self._check_order("idle_lifetime", "absolute_lifetime")
        self._check_order("remembered_idle_lifetime", "remembered_lifetime")
        for setting, choices in (("same_site", SameSite), ("bind_to_device", Binding)):
            if getattr(self, setting) not in get_args(choices):
                raise ConfigurationError(
                    f"sessions.{setting} is {getattr(self, setting)!r}",
                    fix=f"choose one of {', '.join(get_args(choices))}",
                )
        name = self.cookie_name
        if not _NAME.fullmatch(name) or name.lower().startswith(_PREFIXES):
            raise ConfigurationError(
                f"sessions.cookie_name is {name!r}",
                fix="use letters, digits, `_`, `.` and `-`, and leave the prefix to Zenith",
            )

    def _check_order(self, idle: str, absolute: str) -> None:
        if getattr(self, idle) > getattr(self, absolute):
            raise ConfigurationError(
                f"sessions.{idle} is longer than sessions.{absolute}",
                fix="let idle sessions end first, such as after 12 hours of 7 days",
            )

    def lifetimes(self, *, remembered: bool) -> tuple[float, float]:
        """Idle and absolute lifetime of a browser's session, in seconds."""
        if remembered:
            return self.remembered_idle_lifetime, self.remembered_lifetime
        return self.idle_lifetime, self.absolute_lifetime

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
