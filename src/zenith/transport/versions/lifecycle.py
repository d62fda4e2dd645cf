"""How old a thing is, and when it ends: Deprecation (RFC 9745) and Sunset (RFC 8594)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Final, TypeAlias, TypeVar

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.problem import RawHeaders
from zenith.pipeline import Mark, add_mark
from zenith.transport.versions.errors import VersionEndedError

T = TypeVar("T")
Day: TypeAlias = date | datetime
_REFERENCE: Final = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")


class Lifecycle:
    """Dates of something that is served, and what answers say of them.

    `since` is when it became, or will become, deprecated, `sunset` when it ends: a day, from its
    midnight in UTC, or an aware time. `link` is for people who must change something, `successor`
    the address of what comes instead. With `ends` it is refused from its sunset on. Raises
    ConfigurationError for an end before the deprecation, or without a date, for naive times and for
    what is no reference.
    """

    __slots__ = ("_ends_at", "fields")

    def __init__(
        self,
        *,
        since: Day | None = None,
        sunset: Day | None = None,
        link: str = "",
        successor: str = "",
        ends: bool = False,
    ) -> None:
        begun = None if since is None else _moment(since)
        ended = None if sunset is None else _moment(sunset)
        if begun is not None and ended is not None and ended < begun:
            raise ConfigurationError(
                f"it would end ({sunset}) before it is deprecated ({since})",
                fix="give a sunset that is not before the deprecation (RFC 9745 section 4)",
            )
        if ends and ended is None:
            raise ConfigurationError("it ends, and nobody knows when", fix="give its sunset")
        fields: RawHeaders = []
        if begun is not None:
            fields.append((b"deprecation", f"@{int(begun.timestamp())}".encode()))
        if ended is not None:
            fields.append((b"sunset", format_datetime(ended, usegmt=True).encode()))
        links = {"deprecation": link if begun else "", "sunset": link if ended else ""}
        for relation, target in {**links, "successor-version": successor}.items():
            if target:
                fields.append((b"link", f'<{_checked(target)}>; rel="{relation}"'.encode()))
        self.fields: Final = tuple(fields)
        """What goes on every answer."""
        self._ends_at: Final = ended.timestamp() if ended is not None and ends else None

    def check(self, *, now: float) -> None:
        """Raise VersionEndedError once it has ended; `now` in seconds since the epoch."""
        if self._ends_at is not None and now >= self._ends_at:
            raise VersionEndedError(reason="after sunset")


class DeprecationMark(Mark):
    """The lifecycle of one route."""

    __slots__ = ("lifecycle",)

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle: Final = lifecycle


def deprecated(
    since: Day,
    *,
    sunset: Day | None = None,
    link: str = "",
    successor: str = "",
    ends: bool = False,
) -> Callable[[T], T]:
    """Say on the answers of one route that it is deprecated, and when it ends: see Lifecycle.

    Counts in place of what the version says. The start is refused where no ApiVersions guard would
    say it. FastAPI's own `deprecated=True` says it in the description of the API.
    """
    mark = DeprecationMark(
        Lifecycle(since=since, sunset=sunset, link=link, successor=successor, ends=ends)
    )
    return lambda target: add_mark(target, mark)


def _moment(day: Day) -> datetime:
    if not isinstance(day, datetime):
        return datetime.combine(day, time(), tzinfo=UTC)
    if day.tzinfo is None:
        raise ConfigurationError(
            f"{day} could be any of a whole day", fix="give a date, or a time with a time zone"
        )
    return day.astimezone(UTC)


def _checked(reference: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        raise ConfigurationError(
            f"`{reference}` is no reference", fix="write a path or an address, percent-encoded"
        )
    return reference
