"""Text, compared by code points whatever the collation of the column is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from zenith.policies.columns.column import COMPARE, LESS, PerDatabase, Sql, as_sql
from zenith.policies.columns.values import Column

LAST: Final = "\U0010ffff"
AFTER_SURROGATES: Final = "\ue000"
_NOT_IN_SQLITE: Final = re.compile("[\ud800-\udfff]")
_NOT_IN_POSTGRESQL: Final = re.compile("[\x00\ud800-\udfff]")
Forbidden: TypeAlias = re.Pattern[str]


class TextColumn(Column):
    """Text. What a database cannot hold, NUL or half a character, is in no row of it."""

    kind = "text"

    def compare(self, operator: str, value: str, *, positive: bool) -> Sql:
        """Against a text."""
        return self._each(lambda text: text.compare(operator, value, positive=positive))

    def among(self, values: Sequence[str], *, positive: bool) -> Sql:
        """Whether the column equals one of `values`."""
        return self._each(lambda text: text.among(values, positive=positive))

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against another column of text."""
        del positive
        compare = COMPARE[operator]
        return PerDatabase(
            compare(self.on_sqlite().bytewise, other.on_sqlite().bytewise),
            compare(self.on_postgresql().bytewise, other.on_postgresql().bytewise),
        )

    def starts_with(self, part: str, *, positive: bool) -> Sql:
        """A range, which an index can answer: from `part` to before what follows all such text."""
        return self._each(lambda text: text.starts_with(part, positive=positive))

    def ends_with(self, part: str, *, positive: bool) -> Sql:
        """Whether `part` is the end."""
        return self._each(lambda text: text.having("ends_with", part, positive=positive))

    def contains(self, part: str, *, positive: bool) -> Sql:
        """Whether `part` is within."""
        return self._each(lambda text: text.having("contains", part, positive=positive))

    def within(self, operator: str, whole: str) -> Sql:
        """Whether `whole`, which is no column, starts with, ends with or contains the column."""
        return self._each(lambda text: text.within(operator, whole))

    def relate(self, operator: str, part: TextColumn) -> Sql:
        """Whether the column starts with, ends with or contains another one."""
        sqlite, postgresql = self.on_sqlite(), self.on_postgresql()
        return PerDatabase(
            sqlite.relate(operator, sqlite.whole(self), sqlite.whole(part)),
            postgresql.relate(operator, postgresql.whole(self), postgresql.whole(part)),
        )

    def on_sqlite(self) -> _Text:
        """As SQLite compares it."""
        return _SqliteText(self)

    def on_postgresql(self) -> _Text:
        """As PostgreSQL compares it."""
        return _PostgresText(self)

    def _each(self, condition: Callable[[_Text], Sql]) -> Sql:
        sqlite, postgresql = condition(self.on_sqlite()), condition(self.on_postgresql())
        if isinstance(sqlite, bool) and sqlite is postgresql:
            return sqlite
        return PerDatabase(sqlite, postgresql)


class _Text(ABC):
    """A column of text in one database."""

    forbidden: Forbidden

    def __init__(self, column: TextColumn) -> None:
        self._column: Final = column
        self._known: Final = column.known

    @property
    @abstractmethod
    def bytewise(self) -> Any:
        """The column in the order of code points."""

    @property
    def equal(self) -> Any:
        """The column as it may be tested for equality."""
        return self.bytewise

    @abstractmethod
    def whole(self, column: TextColumn) -> Any:
        """A column as functions of text take it."""

    @abstractmethod
    def literal(self, value: str) -> Any:
        """A value as functions of text take it."""

    @abstractmethod
    def relate(self, operator: str, whole: Any, part: Any) -> Any:
        """Whether `whole` starts with, ends with or contains `part`."""

    def compare(self, operator: str, value: str, *, positive: bool) -> Sql:
        """Against a value, which may hold what no column does."""
        if operator == "==":
            return self.among((value,), positive=positive)
        found = self.forbidden.search(value)
        if found is None:
            return COMPARE[operator](self.bytewise, _text(value))
        before = value[: found.start()]
        if found.group() == "\x00":
            return COMPARE["<=" if operator in LESS else ">"](self.bytewise, _text(before))
        bound = before + AFTER_SURROGATES
        return COMPARE["<" if operator in LESS else ">="](self.bytewise, _text(bound))

    def among(self, values: Sequence[str], *, positive: bool) -> Sql:
        """Whether the column equals one of `values`."""
        kept = [_text(value) for value in values if self.forbidden.search(value) is None]
        if not kept:
            return self._known(False, positive=positive)
        found: Sql = self.equal == kept[0] if len(kept) == 1 else self.equal.in_(kept)
        return found

    def starts_with(self, part: str, *, positive: bool) -> Sql:
        """A range of text."""
        if not part or self.forbidden.search(part):
            return self._known(not part, positive=positive)
        lower = self.bytewise >= _text(part)
        upper = _successor(part)
        return lower if upper is None else sa.and_(lower, self.bytewise < _text(upper))

    def having(self, operator: str, part: str, *, positive: bool) -> Sql:
        """Whether the column ends with or contains `part`."""
        if not part or self.forbidden.search(part):
            return self._known(not part, positive=positive)
        found: Sql = self.relate(operator, self.whole(self._column), self.literal(part))
        return found

    def within(self, operator: str, whole: str) -> Sql:
        """Whether `whole` starts with, ends with or contains the column."""
        # The column reaches over nothing that it cannot hold.
        parts = self.forbidden.split(whole)
        parts = {"starts_with": parts[:1], "ends_with": parts[-1:]}.get(operator, parts)
        column = self.whole(self._column)
        found = [as_sql(self.relate(operator, self.literal(part), column)) for part in parts]
        return sa.or_(*found)


class _SqliteText(_Text):
    forbidden = _NOT_IN_SQLITE

    @property
    def bytewise(self) -> Any:
        return self._column.expression.collate("BINARY")

    # As bytes: SQLite's functions of text end at the first NUL.
    def whole(self, column: TextColumn) -> Any:
        return sa.cast(column.expression, sa.LargeBinary())

    def literal(self, value: str) -> Any:
        return sa.literal(value.encode(), sa.LargeBinary())

    def relate(self, operator: str, whole: Any, part: Any) -> Any:
        length = sa.func.length
        if operator == "contains":
            return sa.func.instr(whole, part) > 0
        start: Any = 1 if operator == "starts_with" else length(whole) - length(part) + 1
        end = sa.func.substr(whole, start, length(part)) == part
        # A part of no bytes is null for SQLite.
        long_enough = sa.and_(length(whole) >= length(part), end)
        return sa.case((length(part) == 0, length(whole) >= 0), else_=long_enough)


class _PostgresText(_Text):
    forbidden = _NOT_IN_POSTGRESQL

    @property
    def bytewise(self) -> Any:
        return self._column.expression.collate("C")

    @property
    def equal(self) -> Any:
        """Without a collation of its own the column's index is of use: all databases' are exact."""
        named = getattr(self._column.expression.type, "collation", None)
        return self._column.expression if named is None else self.bytewise

    def whole(self, column: TextColumn) -> Any:
        return column.on_postgresql().bytewise

    def literal(self, value: str) -> Any:
        return _text(value)

    def relate(self, operator: str, whole: Any, part: Any) -> Any:
        if operator == "contains":
            return sa.func.strpos(whole, part) > 0
        end = sa.func.left if operator == "starts_with" else sa.func.right
        return end(whole, sa.func.length(part)) == part


def _text(value: str) -> Any:
    return sa.literal(value, sa.Text())


def _successor(part: str) -> str | None:
    """The first text after all that start with `part`; None if there is none."""
    part = part.rstrip(LAST)
    if not part:
        return None
    last = ord(part[-1]) + 1
    return part[:-1] + (AFTER_SURROGATES if last == ord("\ud800") else chr(last))
