"""A policy as a condition of SQL: the rows on which it allows an action, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from zenith.kernel.permissions import Permissions
from zenith.policies.columns import (
    FLIPPED,
    Brackets,
    Column,
    DomainColumn,
    Sql,
    TextColumn,
    as_sql,
    column_of,
    invert,
)
from zenith.policies.conditions import (
    All,
    Any_,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    Reference,
)
from zenith.policies.errors import PolicyError
from zenith.policies.facts import Facts, reader
from zenith.policies.operators import OPERATORS
from zenith.policies.rules import Combine, Rule
from zenith.policies.values import ORDERED, Truth, elements_of, kind_of, plain

MAX_VALUES: Final = 10_000
"""Values that one statement may carry; PostgreSQL takes 32,767 and others need some too."""
WIDTH: Final = 100
"""Conditions that are joined in one level: SQLite takes expressions of 1,000 levels."""
MAX_GROUPS: Final = 2
NEGATED: Final = {"not_equals": "equals", "not_contains": "contains", "not_in": "in"}
ORDERS: Final = {
    "equals": "==",
    "greater_than": ">",
    "less_than": "<",
    "at_least": ">=",
    "at_most": "<=",
    "before": "<",
    "after": ">",
}
DATES: Final = frozenset({"date", "date and time", "date and time without zone"})
TEXTS: Final = frozenset({"contains", "starts_with", "ends_with"})
ONLY_HERE: Final = {
    "matches": "text",
    "in_network": "text",
    "time_between": "date and time",
}
"""Operators that databases do not have, and what they would be asked of."""
EACH: Final = "decide on each object, or keep the answer in a column"

Side: TypeAlias = Column | Literal
"""A column, or a value that is known before the query."""


class Rules(Protocol):
    """What of a policy is needed: `Policy` has it."""

    @property
    def name(self) -> str:
        """As errors say it."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """In their order."""
        ...

    @property
    def combine(self) -> Combine:
        """What decides where several are satisfied."""
        ...


def where(
    policy: Rules,
    subject: object,
    action: str,
    model: Any,
    context: Mapping[str, Any] | None = None,
) -> ColumnElement[bool]:
    """True for the rows of `model` on which `policy` allows `subject` the `action`.

    Threat: a list that shows what a look at each object would refuse (ASVS 8.2.2, 8.3.1). The
    subject and the context are facts by now and become bound parameters, attributes of the
    resource become columns of `model`, a mapped class or an alias of it. The condition says of
    each row exactly what `Policy.evaluate` says; where it is not true it may be false or null, so
    use it to select, not negated. It holds on SQLite and PostgreSQL.

    Raises PolicyError, with the rule and the condition, for what SQL cannot say exactly, unless
    the facts rule the whole rule out.
    """
    facts: Facts = (subject, None, {} if context is None else context, action)
    translation = _Translation(model, facts)
    rules = [
        (rule.effect == "allow", found)
        for rule in policy.rules
        if rule.decides and (rule.actions is None or action in rule.actions)
        if (found := _rule(policy.name, rule, translation)) is not False
    ]
    if translation.values > MAX_VALUES:
        raise PolicyError(
            f"policy `{policy.name}` compares with more than {MAX_VALUES:,} values",
            fix="ask for one attribute that many values stand for, such as a team",
        )
    if policy.combine == "deny-overrides":
        rules.sort(key=lambda rule: rule[0])
    return as_sql(_first_match(rules))


def _rule(policy: str, rule: Rule, translation: _Translation) -> Sql:
    found: list[Sql] = []
    conditions = rule.condition.conditions
    # What is known by now comes first: of thousands of rules it rules out nearly all.
    if any(
        translation.translate(condition, positive=True) is False
        for condition in conditions
        if not _asks_rows(condition)
    ):
        return False
    for condition in conditions:
        try:
            found.append(translation.translate(condition, positive=True))
        except PolicyError as error:
            raise PolicyError(
                f"policy `{policy}`, rule `{rule.name}`: `{condition!s:.200}` cannot be a condition"
                f" of SQL: {error.problem}",
                fix=error.fix,
            ) from None
    return _all(found)


def _asks_rows(condition: Condition) -> bool:
    """Whether one comparison, or any group, may be about the resource."""
    if not isinstance(condition, Comparison):
        return True
    right = condition.right
    return condition.left.root == "resource" or (
        isinstance(right, Reference) and right.root == "resource"
    )


def _first_match(rules: Sequence[tuple[bool, Sql]]) -> Sql:
    """The effect of the first rule that is satisfied."""
    groups = [
        (allows, _any([condition for _, condition in group]))
        for allows, group in groupby(rules, key=lambda rule: rule[0])
    ]
    if len(groups) > MAX_GROUPS:
        # One level for each change of effect would be too deep.
        branches = [(as_sql(condition), as_sql(allows)) for allows, condition in groups]
        return sa.case(*branches, else_=sa.false())
    answer: Sql = False
    for allows, condition in reversed(groups):
        if allows:
            answer = _any([condition, answer])
        elif isinstance(condition, bool):
            answer = not condition and answer
        else:
            # What is unknown denies nothing.
            denied = sa.func.coalesce(condition, sa.false(), type_=sa.Boolean())
            answer = _all([answer, sa.not_(denied)])
    return answer


class _Translation:
    """Conditions for one model and one set of facts."""

    def __init__(self, model: Any, facts: Facts) -> None:
        self._model: Final = model
        self._facts: Final = facts
        self._columns: Final[dict[tuple[str, ...], Column | None]] = {}
        self.values = 0

    def translate(self, condition: Condition, *, positive: bool) -> Sql:
        """A condition that is true for no row but those for which `condition` is."""
        match condition:
            case Comparison():
                return self._comparison(condition, positive=positive)
            case Exists():
                return self._exists(condition.reference)
            case Not():
                return invert(self.translate(condition.condition, positive=not positive))
            case All():
                return _all([self.translate(each, positive=positive) for each in _of(condition)])
            case _:
                return _any([self.translate(each, positive=positive) for each in _of(condition)])

    def _exists(self, reference: Reference) -> Sql:
        column = self._column(reference)
        if column is None:
            return False
        found: Sql = column.expression.is_not(None)
        return found

    def _comparison(self, condition: Comparison, *, positive: bool) -> Sql:
        operator = NEGATED.get(condition.operator)
        if operator is not None:
            plainly = Comparison(operator, condition.left, condition.right)
            return invert(self._comparison(plainly, positive=not positive))
        operator = condition.operator
        left, right = self._side(condition.left), self._side(condition.right)
        if left is None or right is None:
            return _unknown(positive)
        if isinstance(left, Column):
            if isinstance(right, Column):
                return _two_columns(operator, left, right, positive)
            return self._column_and_value(operator, left, right.value, positive)
        if isinstance(right, Column):
            return self._value_and_column(operator, left.value, right, positive)
        return _fold(OPERATORS[operator].test(left.value, right.value), positive)

    def _side(self, side: Reference | Literal) -> Side | None:
        if isinstance(side, Literal):
            return side
        if side.root != "resource":
            return Literal(reader(side)(self._facts))
        return self._column(side)

    def _column(self, reference: Reference) -> Column | None:
        if reference.path not in self._columns:
            self._columns[reference.path] = column_of(self._model, reference.path)
        return self._columns[reference.path]

    def _column_and_value(
        self, operator: str, column: Column, value: object, positive: bool
    ) -> Sql:
        self.values += 1
        if isinstance(column, DomainColumn):
            test = OPERATORS[operator].test
            return column.test(lambda member: test(member, value), positive=positive)
        if operator == "in":
            return self._among(column, value, positive)
        if operator in ONLY_HERE:
            return _only_here(operator, column, positive)
        if operator in ORDERS:
            return _compare(operator, column, value, positive)
        text = plain(value)
        if not isinstance(column, TextColumn) or not isinstance(text, str):
            return _unknown(positive)
        if operator == "starts_with":
            return column.starts_with(text, positive=positive)
        if operator == "ends_with":
            return column.ends_with(text, positive=positive)
        return column.contains(text, positive=positive)

    def _value_and_column(
        self, operator: str, value: object, column: Column, positive: bool
    ) -> Sql:
        self.values += 1
        if isinstance(column, DomainColumn):
            test = OPERATORS[operator].test
            return column.test(lambda member: test(value, member), positive=positive)
        if operator in ORDERS:
            return _compare(operator, column, value, positive, flipped=True)
        if operator == "in_network":
            return _only_here(operator, column, positive)
        if operator not in TEXTS:
            return _unknown(positive)
        if operator == "contains":
            if isinstance(value, Permissions):
                raise PolicyError("databases do not know permissions", fix=EACH)
            if elements_of(value) is not None:
                return self._among(column, value, positive)
        text = plain(value)
        if not isinstance(column, TextColumn) or not isinstance(text, str):
            return _unknown(positive)
        return column.within(operator, text)

    def _among(self, column: Column, values: object, positive: bool) -> Sql:
        elements = elements_of(values)
        if elements is None:
            return _unknown(positive)
        found = [plain(element) for element in elements]
        same = [each for each in found if each is not None and kind_of(each) == column.kind]
        self.values += len(same)
        others = {kind_of(each) for each in found if each is not None} - {column.kind}
        apart = [column.unlike(each, positive=positive) for each in others]
        if positive:
            return _any([column.among(same, positive=True), *apart])
        if len(same) < len(found):
            return _all(apart)
        return column.among(same, positive=False)


def _of(group: All | Any_) -> Iterator[Condition]:
    yield from group.conditions


def _compare(
    operator: str, column: Column, value: object, positive: bool, *, flipped: bool = False
) -> Sql:
    found = plain(value)
    if found is None:
        return _unknown(positive)
    if kind_of(found) != column.kind:
        return column.unlike(kind_of(found), positive=positive)
    if not _takes(operator, column.kind):
        return _unknown(positive)
    sign = ORDERS[operator]
    return column.compare(FLIPPED[sign] if flipped else sign, found, positive=positive)


def _takes(operator: str, kind: str) -> bool:
    if operator in {"before", "after"}:
        return kind in DATES
    return operator == "equals" or kind in ORDERED


def _two_columns(operator: str, left: Column, right: Column, positive: bool) -> Sql:
    found: Sql | None = None
    if isinstance(left, TextColumn) and isinstance(right, TextColumn) and operator in TEXTS:
        found = left.relate(operator, right)
    elif operator in ORDERS and left.kind == right.kind and _takes(operator, left.kind):
        found = left.compare_column(ORDERS[operator], right, positive=positive)
    elif not _may_compare(operator, left, right):
        apart = (
            left.unlike(right.kind, positive=positive),
            right.unlike(left.kind, positive=positive),
        )
        return next((each for each in apart if not isinstance(each, bool)), _unknown(positive))
    if found is None:
        raise PolicyError("databases compare these columns in another way", fix=EACH)
    return found


def _may_compare(operator: str, left: Column, right: Column) -> bool:
    """Whether values of two columns, which are not compared in SQL, could be compared at all."""
    several = [type(each) is DomainColumn for each in (left, right)]
    if operator == "in_network":
        return all(
            each or side.kind == "text" for each, side in zip(several, (left, right), strict=True)
        )
    return operator != "in" and any(several)


def _only_here(operator: str, column: Column, positive: bool) -> Sql:
    if column.kind != ONLY_HERE[operator]:
        return _unknown(positive)
    raise PolicyError(f"databases do not know `{operator}`", fix=EACH)


def _unknown(positive: bool) -> Sql:
    return not positive


def _fold(truth: Truth, positive: bool) -> Sql:
    return _unknown(positive) if truth is None else truth


def _all(conditions: Sequence[Sql]) -> Sql:
    return _join(conditions, sa.and_, neutral=True)


def _any(conditions: Sequence[Sql]) -> Sql:
    return _join(conditions, sa.or_, neutral=False)


def _join(
    conditions: Sequence[Sql], join: Callable[..., ColumnElement[bool]], *, neutral: bool
) -> Sql:
    kept = [each for each in conditions if each is not neutral]
    if (not neutral) in [each for each in kept if isinstance(each, bool)]:
        return not neutral
    while len(kept) > WIDTH:
        kept = [
            Brackets(join(*map(as_sql, kept[start : start + WIDTH])))
            for start in range(0, len(kept), WIDTH)
        ]
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else join(*map(as_sql, kept))
