"""Asking about breaches, where that is turned on."""

from __future__ import annotations

from zenith.passwords import BreachService, PasswordSettings


def make_breaches(settings: PasswordSettings) -> tuple[BreachService, ...]:
    """The service that is asked, or none."""
    return (BreachService(settings.breach_url),) if settings.breach_check else ()
