"""What the start tells the operator about loosened settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zenith.settings import Settings

LOST: Final[Mapping[str, str]] = {
    "mfa": "one factor opens every account, also those that had a second",
    "transport": "any Host, size and duration of a request is accepted",
    "headers": "browsers get no security headers and no content security policy",
    "csrf": "other sites can send changes with the cookies of your users",
    "rate_limits": "clients may call as fast as they can; only attempts at passwords are counted",
    "audit": "security events are not recorded",
    "logs": "secrets that libraries and handlers log stay in the logs",
}
"""What an application is without, where a section is None."""


def loosened(given: Settings, settings: Settings) -> list[str]:
    """What the operator should know. `given` is as it was set, `settings` as it holds."""
    report = [f"{name} is off: {lost}" for name, lost in LOST.items() if not _is_on(settings, name)]
    for name in ("transport", "headers", "rate_limits", "mail", "outbound"):
        dangers: tuple[str, ...] = getattr(getattr(given, name), "dangers", ())
        report += [
            f"{name}.{danger} is set: its documentation says what is lost" for danger in dangers
        ]
    report += [
        f"server.{danger} is off: a few clients can hold all connections"
        for danger in settings.server.dangers
    ]
    for name in ("sessions", "csrf"):
        if not getattr(getattr(given, name), "secure_cookies", True):
            report.append(f"{name}.secure_cookies is off: the cookie also travels unencrypted")
    return report + [sentence for sentence, holds in _facts(settings).items() if holds]


def _facts(settings: Settings) -> Mapping[str, bool]:
    """What may hold, and whether it does."""
    return {
        "accounts.register_seconds is 0: the time of an answer may tell which e-mails are known": (
            settings.accounts.register_seconds == 0
        ),
        "hashes of passwords are cheap to guess, for tests only": settings.passwords.is_weak,
        "passwords.accept_truncated_bcrypt is set: 72 bytes of a longer password are enough": (
            settings.passwords.accept_truncated_bcrypt
        ),
        f"{settings.workers} workers count rate limits each for itself: set ZENITH_REDIS__URL": (
            settings.workers > 1 and settings.redis is None
        ),
        "headers.cookies is `report`: cookies leave without the flags that keep them safe": (
            settings.headers is not None and settings.headers.cookies == "report"
        ),
        "oauth.believe_undated_sign_ins is set: a sign-in counts as a recent proof though the "
        "provider may have asked for none": settings.oauth.believe_undated_sign_ins,
        "cors: programs on a user's machine can call with that user's cookies": (
            settings.is_production and settings.cors is not None and settings.cors.trusts_loopback
        ),
        "abuse.challenges.when_down admits everybody while the provider does not answer": (
            bool(settings.abuse.challenges.dangers)
        ),
        f"cookies travel without Secure, since {settings.origin} is not https": (
            not settings.is_https
        ),
    }


def _is_on(settings: Settings, name: str) -> bool:
    return getattr(settings, name) is not None
