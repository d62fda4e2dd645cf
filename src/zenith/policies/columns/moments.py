"""Times, which SQLite keeps as text in more than one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from zenith.policies.columns.column import COMPARE, PerDatabase, Refused, Sql, as_sql
from zenith.policies.columns.values import Column


class MomentColumn(Column):
    """Dates with times, without zone."""

    kind = "date and time without zone"
    aware: ClassVar[bool] = False

    def compare(self, operator: str, value: Any, *, positive: bool) -> Sql:
        """Against a moment; those with a zone are in UTC."""
        del positive
        compare = COMPARE[operator]
        text = value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        return PerDatabase(
            self.on_sqlite(compare(self.text, text)),
            compare(self.expression, sa.literal(value, sa.DateTime(timezone=self.aware))),
        )

    def among(self, values: Sequence[Any], *, positive: bool) -> Sql:
        """Whether the column equals one of `values`."""
        if not values:
            return self.known(False, positive=positive)
        return sa.or_(*(as_sql(self.compare("==", each, positive=positive)) for each in values))

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against a column of the same kind."""
        del positive
        compare = COMPARE[operator]
        return PerDatabase(
            self.on_sqlite(other.on_sqlite(compare(self.text, other.text))),
            compare(self.expression, other.expression),
        )

    @property
    def text(self) -> Any:
        """What SQLite stores, in one length."""
        text = sa.func.replace(sa.type_coerce(self.expression, sa.String()), "T", " ")
        return _padded(text, {10: " 00:00:00.000000", 19: ".000000"}, 26)

    def on_sqlite(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """`condition`, where SQLite gives back what was stored."""
        return condition


class UtcMomentColumn(MomentColumn):
    """Dates with times that are stored in UTC and come back so, from every database."""

    kind = "date and time"
    aware = True


class ZonedMomentColumn(UtcMomentColumn):
    """Dates with times whose zone SQLite forgets."""

    def unlike(self, kind: str, *, positive: bool) -> Sql:
        """What comes back from SQLite compares with moments that have no zone either."""
        unknown = not positive
        if kind != MomentColumn.kind:
            return unknown
        return PerDatabase(self.on_sqlite(sa.true()), unknown)

    def on_sqlite(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Refused: what comes back has no zone, and compares with nothing that has one."""
        del condition
        return Refused(
            f"SQLite keeps no time zones, as {self.expression} needs them",
            "declare the column as sqlmodel's UTCDateTime, or as DateTime() without zone",
        )


class TimeColumn(MomentColumn):
    """Times of day without zone."""

    kind = "time"

    def compare(self, operator: str, value: Any, *, positive: bool) -> Sql:
        """Against a time."""
        del positive
        compare = COMPARE[operator]
        return PerDatabase(
            compare(self.text, value.isoformat(timespec="microseconds")),
            compare(self.expression, sa.literal(value, sa.Time())),
        )

    @property
    def text(self) -> Any:
        """What SQLite stores, in one length."""
        return _padded(sa.type_coerce(self.expression, sa.String()), {8: ".000000"}, 15)


def _padded(text: Any, endings: dict[int, str], length: int) -> Any:
    ending = sa.case(
        *((sa.func.length(text) == short, ending) for short, ending in endings.items()),
        else_="000000",
    )
    return sa.func.substr(text.concat(ending), 1, length)
