"""Policies as conditions of SQL: what they look like, and what is refused."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column, relationship

from tests.policies.articles import DAYS, NAIVE, TIMES, UUIDS, Article, Base, Rows
from zenith.kernel.permissions import Permissions
from zenith.policies import Policy, PolicyError, Rule
from zenith.policies.where import MAX_VALUES, where

SQLITE = sqlite.dialect()
POSTGRES = postgresql.asyncpg.dialect()


class Lower(sa.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True


class Mood(enum.StrEnum):
    """SQLAlchemy stores names, and takes `glad` for the member that is called `calm`."""

    calm = "c"
    glad = "calm"


class Author(Base):
    __tablename__ = "authors"
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "author"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    article_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id"))
    article: Mapped[Article | None] = relationship()
    document: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    lower: Mapped[str | None] = mapped_column(Lower)
    padded: Mapped[str | None] = mapped_column(sa.CHAR(8))
    variant: Mapped[str | None] = mapped_column(sa.String().with_variant(sa.CHAR(3), "postgresql"))
    zoned: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    zoned_time: Mapped[Any] = mapped_column(sa.Time(timezone=True), nullable=True)
    exact: Mapped[Decimal | None] = mapped_column(sa.Numeric(30, 10))
    free: Mapped[Decimal | None] = mapped_column(sa.Numeric())
    inexact: Mapped[float | None] = mapped_column(sa.Numeric(10, 2, asdecimal=False))
    rounded: Mapped[Any] = mapped_column(sa.Numeric(10, 2, decimal_return_scale=1), nullable=True)
    decimal_float: Mapped[Any] = mapped_column(sa.Float(asdecimal=True), nullable=True)
    text_id: Mapped[Any] = mapped_column(sa.Uuid(as_uuid=False), nullable=True)
    computed = column_property(sa.literal(1) + 1)
    moment: Mapped[datetime | None] = mapped_column(sa.DateTime())
    mood: Mapped[Mood | None] = mapped_column(sa.Enum(Mood))
    fixed = "a value of the class"

    @property
    def initials(self) -> str:
        return "A"


class Poet(Author):
    __mapper_args__: ClassVar = {"polymorphic_identity": "poet"}

    verses: Mapped[int | None] = mapped_column(sa.Integer)


def cond(attribute: str, operator: str, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "value": value}


def of(*conditions: dict[str, Any], combine: Any = "deny-overrides") -> Policy:
    rules = [{"name": "mine", "action": "read", "conditions": list(conditions)}]
    return Policy("articles", rules, combine=combine)


def written(condition: Any, dialect: Any = SQLITE) -> str:
    return str(condition.compile(dialect=dialect))


def ask(condition: dict[str, Any], model: Any = Article, subject: Any = None) -> str:
    return written(where(of(condition), subject, "read", model))


REFUSED = [
    (cond("resource.title", "matches", "a.*"), Article, "databases do not know `matches`"),
    (cond("resource.title", "in_network", "10.0.0.0/8"), Article, "do not know `in_network`"),
    (cond("subject.ip", "in_network", "resource.title"), Article, "do not know `in_network`"),
    (cond("resource.note", "in_network", "resource.title"), Article, "compare these columns"),
    (
        cond("resource.moment", "time_between", {"from": "09:00", "to": "17:00", "zone": "UTC"}),
        Article,
        "do not know `time_between`",
    ),
    (cond("subject.permissions", "contains", "resource.title"), Article, "know permissions"),
    (cond("resource.status", "equals", "resource.level"), Article, "compare these columns"),
    (cond("resource.status", "equals", "resource.title"), Article, "compare these columns"),
    (cond("resource.ratio", "equals", "resource.size"), Article, "compare these columns"),
    (cond("resource.size", "equals", "resource.ratio"), Article, "compare these columns"),
    (cond("resource.price", "equals", "resource.ratio"), Article, "compare these columns"),
    (cond("resource.status.value", "equals", "open"), Article, "no columns within"),
    (cond("resource.document", "contains", "x"), Author, "column of type JSON"),
    (cond("resource.document.a", "equals", "x"), Author, "column of type JSON"),
    (cond("resource.lower", "equals", "x"), Author, "column of type"),
    (cond("resource.padded", "equals", "x"), Author, "column of type CHAR"),
    (cond("resource.variant", "equals", "x"), Author, "column of type"),
    (cond("resource.zoned_time", "exists", None), Author, "column of type"),
    (cond("resource.inexact", "equals", 1), Author, "column of type"),
    (cond("resource.rounded", "equals", 1), Author, "column of type"),
    (cond("resource.decimal_float", "equals", 1), Author, "column of type"),
    (cond("resource.text_id", "equals", "x"), Author, "column of type"),
    (cond("resource.mood", "equals", "calm"), Author, "column of type"),
    (cond("resource.article.id", "equals", 1), Author, "no plain column"),
    (cond("resource.computed", "equals", 2), Author, "no plain column"),
    (cond("resource.verses", "equals", 2), Author, "no column of every row"),
    (cond("resource.fixed", "equals", "x"), Author, "no column of every row"),
    (cond("resource.free", "equals", Decimal("1E+400")), Author, "too many digits"),
    (cond("resource.free", "equals", Decimal("1E-400")), Author, "too many digits"),
    (cond("resource.title", "equals", "x"), dict, "no mapped class"),
    (cond("resource.title", "equals", "x"), Article.__table__, "no mapped class"),
]


@pytest.mark.parametrize(("condition", "model", "problem"), REFUSED)
def test_what_sql_cannot_say_is_refused_with_rule_and_condition(
    condition: dict[str, Any], model: Any, problem: str
) -> None:
    if condition["value"] is None:
        del condition["value"]
    subject = {"ip": "10.0.0.1", "permissions": Permissions(["a"])}
    with pytest.raises(PolicyError, match=problem) as refused:
        where(of(condition), subject, "read", model)
    assert "policy `articles`, rule `mine`: `" in refused.value.problem
    assert condition["attribute"].split(".")[1] in refused.value.problem
    assert refused.value.fix


@pytest.mark.parametrize(
    "condition",
    [
        cond("resource.zoned", "after", "2026-01-01T00:00:00Z"),
        cond("resource.zoned", "equals", "resource.zoned"),
        cond("resource.exact", "equals", 1),
        cond("resource.free", "equals", 1.5),
        cond("resource.exact", "equals", "resource.id"),
        cond("resource.id", "equals", "resource.exact"),
    ],
)
def test_what_only_sqlite_cannot_say_is_refused_there(condition: dict[str, Any]) -> None:
    found = where(of(condition), {}, "read", Author)
    assert "authors." in written(found, POSTGRES)
    with pytest.raises(PolicyError, match="SQLite"):
        written(found)


@pytest.mark.parametrize(
    "condition",
    [
        cond("resource.zoned", "after", "2026-01-01T00:00:00"),
        cond("subject.at", "less_than", "resource.zoned"),
        cond("resource.zoned", "in", [NAIVE[0], 1]),
        {"not": cond("resource.zoned", "in", [NAIVE[0], 1])},
        {"not": cond("resource.zoned", "equals", "resource.moment")},
        cond("resource.moment", "before", "resource.zoned"),
    ],
)
def test_moments_with_and_without_zone_meet_on_sqlite_only(condition: dict[str, Any]) -> None:
    """Where a row comes back without its zone, a decision compares it: a filter may not differ."""
    found = where(of(condition), {"at": NAIVE[0]}, "read", Author)
    assert "authors." not in written(found, POSTGRES), "nothing there compares"
    with pytest.raises(PolicyError, match="SQLite"):
        written(found)
    assert ask(cond("resource.zoned", "after", "2026-01-01"), Author) == "0"


def test_another_database_is_refused() -> None:
    found = where(of(cond("resource.title", "equals", "x")), {}, "read", Article)
    with pytest.raises(PolicyError, match="mysql"):
        written(found, mysql.dialect())


@pytest.mark.parametrize(
    "condition",
    [
        cond("resource.absent", "equals", "x"),
        cond("resource.initials", "equals", "A"),
        cond("resource.title.length", "equals", 1),
        cond("resource.size", "contains", "x"),
        cond("resource.size", "starts_with", "x"),
        cond("resource.size", "equals", True),
        cond("resource.size", "equals", "1"),
        cond("resource.day", "before", "2026-01-01T00:00:00"),
        cond("resource.size", "matches", "x"),
        cond("subject.nobody", "equals", "resource.title"),
        cond("subject.number", "contains", "resource.title"),
        cond("subject.number", "in", "resource.title"),
        cond("resource.title", "in", "subject.number"),
        cond("resource.owner", "greater_than", "resource.owner"),
        cond("resource.title", "in", "resource.slug"),
        cond("resource.size", "equals", "resource.title"),
        cond("resource.size", "in_network", "resource.title"),
    ],
)
def test_what_is_never_true_finds_nothing(condition: dict[str, Any]) -> None:
    model = Author if "initials" in condition["attribute"] else Article
    assert ask(condition, model, {"number": 7}) == "0"
    negated = of({"not": condition})
    assert written(where(negated, {"number": 7}, "read", model)) == "0"


def test_equality_uses_an_index_on_both_databases() -> None:
    found = where(of(cond("resource.note", "equals", "subject.id")), {"id": "a"}, "read", Article)
    assert written(found, POSTGRES) == "(articles.note = $1::VARCHAR)"
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        Article.__table__.create(connection)
        connection.execute(sa.text("CREATE INDEX notes ON articles (note)"))
        for operator in ("equals", "starts_with"):
            condition = of(cond("resource.note", operator, "a"))
            query = sa.select(Article.id).where(where(condition, {}, "read", Article))
            text = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
            plan = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {text}")).all()
            assert "USING INDEX notes" in str(plan) or "USING COVERING INDEX notes" in str(plan)
    engine.dispose()


def test_an_alias_is_filtered_under_its_name() -> None:
    found = where(of(cond("resource.size", "equals", 1)), {}, "read", aliased(Article, name="a"))
    assert written(found) == "a.size = ?"


def test_what_the_subject_decides_never_reaches_the_query() -> None:
    rules = [
        {"action": "read", "conditions": [cond("subject.roles", "contains", "admin")]},
        {"action": "read", "conditions": [cond("resource.public", "equals", True)]},
        {"action": "write"},
    ]
    policy = Policy("articles", rules)
    assert written(where(policy, {"roles": ["admin"]}, "read", Article)) == "1"
    assert "public" in written(where(policy, {"roles": []}, "read", Article))
    assert written(where(policy, {}, "delete", Article)) == "0"


def test_denials_that_are_certain_leave_nothing() -> None:
    banned = {
        "action": "*",
        "effect": "deny",
        "conditions": [cond("subject.banned", "equals", True)],
    }
    policy = Policy("articles", [{"action": "read"}, banned])
    assert written(where(policy, {"banned": True}, "read", Article)) == "0"
    assert written(where(policy, {}, "read", Article)) == "1"


def test_first_match_with_many_changes_of_effect_stays_flat() -> None:
    rules = [
        {
            "action": "read",
            "effect": ("allow", "deny")[number % 2],
            "conditions": [cond("resource.size", "equals", number)],
        }
        for number in range(300)
    ]
    policy = Policy("articles", rules, combine="first-match")
    assert _answers(policy) == set(range(0, 10, 2))


def test_thousands_of_rules_are_one_statement() -> None:
    rules = [
        {"action": "read", "conditions": [cond("resource.size", "equals", 2 * number)]}
        for number in range(1500)
    ]
    assert _answers(Policy("articles", rules)) == set(range(0, 10, 2))


def _answers(policy: Policy) -> set[int | None]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        Article.__table__.create(connection)
        connection.execute(sa.insert(Article), [{"size": number} for number in range(10)])
        found = where(policy, {}, "read", Article)
        sizes = set(connection.scalars(sa.select(Article.size).where(found)))
    engine.dispose()
    return sizes


class Untouched:
    """A model of which nothing may be asked."""

    @property
    def __mapper__(self) -> Any:
        pytest.fail("a column was asked for")


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_rules_that_the_facts_rule_out_are_not_translated(order: int, effect: str) -> None:
    """Else a request that lists something would translate every rule of ten thousand."""
    conditions = [
        cond("subject.team", "equals", "red"),
        cond("resource.title", "matches", "a.*"),
        cond("resource.owner", "equals", "subject.id"),
    ][::order]
    policy = Policy("teams", [{"action": "read", "effect": effect, "conditions": conditions}])
    found = where(policy, {"team": "blue", "id": "ada"}, "read", Untouched())
    assert written(found) == "0"
    with pytest.raises(PolicyError, match="databases do not know `matches`"):
        where(policy, {"team": "red", "id": "ada"}, "read", Article)


def test_more_values_than_a_statement_can_carry_are_refused() -> None:
    teams = {"teams": list(range(MAX_VALUES + 1))}
    policy = of(cond("resource.size", "in", "subject.teams"))
    with pytest.raises(PolicyError, match="more than 10,000 values"):
        where(policy, teams, "read", Article)
    rules = [Rule("mine", "allow", None)]
    assert written(where(Policy("all", rules), teams, "read", Article)) == "1"


@pytest.mark.parametrize("number", [math.inf, -math.inf, 10**400, Decimal("1E+999999999")])
@pytest.mark.parametrize("column", ["size", "ratio", "price"])
def test_numbers_out_of_all_proportion_are_answered_at_once(column: str, number: Any) -> None:
    for operator in ("equals", "greater_than", "at_most", "not_equals"):
        ask(cond(f"resource.{column}", operator, "subject.n"), subject={"n": number})


def test_an_identifier_as_text_is_not_an_identifier() -> None:
    key = UUID(int=5)
    found = cond("resource.owner", "equals", "subject.id")
    assert ask(found, subject={"id": str(key)}) == "0"
    assert "owner = ?" in ask(found, subject={"id": key})
    assert ask(cond("resource.owner", "in", "subject.ids"), subject={"ids": []}) == "0"


@pytest.fixture(scope="module")
def rows() -> Iterator[Rows]:
    found = Rows("sqlite+aiosqlite://")
    yield found
    found.close()


LEFT: list[Any] = ["a", "ab", "a\x00b", "a\ud800", "x\ud800a", "", ["a", 1], 1, None, b"a"]
PLAIN = {
    "title": [*LEFT, "\ud7ff", "\U0010ffff", "a\U0010ffff"],
    "size": [0, 1.5, 2**70, -(2**70), Decimal("0.5"), math.nan, [1, 2**70], [2**70]],
    "ratio": [1, 10**400, -(10**400), 2**53 + 1, Decimal("0.1"), [0.5, 2**53 + 1], [2**53 + 1]],
    "price": [1, 2.555, Decimal("1E+400"), [Decimal("2.55")], [2.555]],
    "public": [True, 1, [True, False], [1]],
    "status": ["draft", 1, 0.5, ["draft", 1], "none"],
    "at": [datetime.fromisoformat("2026-01-01T00:00:00"), [NAIVE[0]], []],
    "clock": [TIMES[1], [TIMES[1]], []],
    "digest": [b"a", [b"a", "a"]],
    "owner": [UUIDS[1], [UUIDS[1], "x"]],
    "day": [DAYS[0], [DAYS[0]]],
}
EVERY = [
    *("equals", "not_equals", "in", "not_in", "contains", "not_contains", "starts_with"),
    *("ends_with", "greater_than", "less_than", "at_least", "at_most", "before", "after"),
]


def test_every_operator_agrees_with_decisions_from_either_side(rows: Rows) -> None:
    asked: list[tuple[Policy, Any, Any]] = []
    for column, operator in itertools.product(PLAIN, EVERY):
        for value, turned in itertools.product(PLAIN[column], (False, True)):
            sides = ("subject.v", f"resource.{column}")
            condition = cond(sides[not turned], operator, sides[turned])
            policy = of({"not": condition} if operator == "starts_with" else condition)
            asked.append((policy, {"v": value}, where(policy, {"v": value}, "read", Article)))
    for start in range(0, len(asked), 300):
        some = asked[start : start + 300]
        found = rows.each([condition for *_, condition in some])
        for (policy, subject, _), ids in zip(some, found, strict=True):
            allowed = {row.id for row in rows.all[:40] if policy.evaluate(subject, row, "read")}
            assert {each for each in ids if each <= 40} == allowed, (policy.rules, subject)


@pytest.mark.parametrize(
    ("pair", "operator"),
    [
        (("public", "locked"), "equals"),
        (("owner", "owner"), "equals"),
        (("digest", "digest"), "not_equals"),
        (("day", "day"), "at_least"),
        (("at", "until"), "before"),
    ],
)
def test_two_columns_agree_with_decisions(rows: Rows, pair: tuple[str, str], operator: str) -> None:
    left, right = (f"resource.{name}" for name in pair)
    policy = of(cond(left, operator, right))
    allowed = {row.id for row in rows.all if policy.evaluate({}, row, "read")}
    assert rows.ids(where(policy, {}, "read", Article)) == allowed
    assert bool(allowed) is (operator != "not_equals")


def test_an_attribute_that_no_row_has_is_missing_in_every_row() -> None:
    assert ask({"attribute": "resource.absent", "operator": "exists"}) == "0"
    assert ask({"attribute": "resource.absent", "operator": "missing"}) == "1"


def test_what_no_row_has_is_never_there():
    """And who has something beside it is shown by that alone."""
    absent = {"attribute": "resource.nothing_of_the_kind", "operator": "exists"}
    for conditions, shown in (([absent], False), ([{"not": absent}], True)):
        policy = Policy("p", [{"action": "read", "conditions": conditions}])
        condition = policy.where({}, "read", Article)
        assert condition.compare(sa.true()) is shown
        assert condition.compare(sa.false()) is not shown
        assert policy.evaluate({}, {"id": 1}, "read") is shown
