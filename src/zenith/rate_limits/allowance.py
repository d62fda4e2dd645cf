"""How much a plan allows, and in what time: by the calendar, or in the time that ends now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.rate_limits.limit import PERIODS, Limit

DAY: Final = 86_400
CALENDAR: Final = {"hour": 3600, "day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}
"""Windows of the calendar, in UTC; weeks begin on Monday. Seconds of the longest."""
GRAINS: Final = 32
"""A rolling window is counted in so many parts."""
_ONE: Final = re.compile(r"(\d{1,15})\s*(?:/|\bper\b)\s*(\d{0,9})\s*([a-z]+)")


class Span(NamedTuple):
    """Where in time something is counted. Unix times in seconds."""

    bucket: int
    """The part of time that it is counted in."""
    since: int
    """The first part of time that counts with it."""
    ends: int
    """When the bucket is over."""
    forgets: int
    """How long after its end a bucket still counts: 0 by the calendar."""
    until: int
    """The last part of time that counts with it. Of a rolling window, what a clock that is up to a
    window ahead has counted; what was counted later than that, by a clock that was wrong, would
    shut its caller out until then.
    """


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `requests` in `period`: `month` and the like by the calendar, `30 days` rolling."""

    requests: int
    period: str
    window: int
    """Seconds; of a window of the calendar, of its longest."""
    is_rolling: bool

    def limit(self, name: str) -> Limit:
        """How headers show it. Raises ConfigurationError for what limits nothing or is too much."""
        return Limit(self.requests, self.window, "fixed_window", name=name, label=name)

    def span(self, now: float) -> Span:
        """Where what happens at `now` is counted.

        A rolling window counts the whole of its oldest part until all of that has passed: never
        more than the allowance in any window, wherever it begins; at worst a 32nd later.
        """
        if self.is_rolling:
            grain = max(self.window // GRAINS, 1)
            bucket = int(now // grain) * grain
            oldest = int((now - self.window) // grain) * grain
            return Span(bucket, oldest, bucket + grain, self.window, bucket + self.window)
        begin, end = _calendar(self.period, datetime.fromtimestamp(now, UTC))
        start = int(begin.timestamp())
        return Span(start, start, int(end.timestamp()), 0, start)


def _calendar(period: str, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the hour, day, week, month or year that `now` lies in."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match period:
        case "hour":
            return hour, hour + timedelta(hours=1)
        case "day":
            return day, day + timedelta(days=1)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case _:
            first = day.replace(month=1, day=1)
            return first, first.replace(year=first.year + 1)


def parse_allowance(text: str) -> Allowance:
    """An allowance from text: `100000/month` by the calendar, `1000/30 days` rolling.

    Raises ConfigurationError that names the periods for anything else.
    """
    match = _ONE.fullmatch(text.strip().lower())
    period = "" if match is None else match[3].removesuffix("s")
    if match is not None and match[2]:
        seconds = int(match[2]) * PERIODS.get(period, 0)
        if seconds:
            return Allowance(int(match[1]), f"{match[2]} {period}", seconds, is_rolling=True)
    elif match is not None and period in CALENDAR:
        return Allowance(int(match[1]), period, CALENDAR[period], is_rolling=False)
    raise ConfigurationError(
        f"`{text}` is no quota",
        fix=f"write such as `100000/month` ({', '.join(CALENDAR)}: by the calendar, UTC), or "
        f"`1000/30 days` ({', '.join(PERIODS)}: the time that ends now)",
    )
