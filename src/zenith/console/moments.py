"""Times, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
RECENT: Final = 30 * DAY
UNITS: Final = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
NEVER: Final = "never"


def moment(seconds: float | None) -> str:
    """A date and time of day; the server knows no other zone than UTC."""
    if seconds is None:
        return NEVER
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y, %H:%M UTC")


def ago(seconds: float | None, now: float) -> str:
    """How long ago, with the exact time for machines and pointers; after a month the date."""
    if seconds is None:
        return NEVER
    exact = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"), moment(seconds), _distance(now - seconds, exact)
    )


def _distance(passed: float, exact: datetime) -> str:
    if passed < MINUTE:
        return "just now"
    if passed >= RECENT:
        return exact.strftime("%d %b %Y")
    length, name = next(unit for unit in UNITS if passed >= unit[0])
    count = int(passed // length)
    return f"{count} {name}{'' if count == 1 else 's'} ago"
