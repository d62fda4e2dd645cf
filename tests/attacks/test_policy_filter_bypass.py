"""Attack: get a row or a field into a list that the policy denies on the object.

By SQL in an attribute, by wildcards, by letters without case, by types that a database confuses, by
null under a negation, by text that ends early, by fields that are computed from hidden ones.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, computed_field
from sqlalchemy.orm import Session

from tests.policies.articles import Article
from zenith.policies import Policy


def cond(attribute: str, operator: str, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "value": value}


@pytest.fixture
def session() -> Iterator[Session]:
    engine = sa.create_engine("sqlite://")
    with Session(engine) as opened:
        Article.__table__.create(opened.connection())
        titles = ["ada", "ADA", "ada%", "a_a", "ada\x00", None, "' OR 1=1 --", "\\"]
        for number, title in enumerate(titles):
            opened.add(Article(id=number, title=title, slug=title, size=number, public=bool(title)))
        opened.commit()
        yield opened
    engine.dispose()


ATTACKS = ["%", "_", "ada%", "a_a", "ADA", "' OR 1=1 --", "') OR ('1'='1", "\\", "*", "[a]", ""]


TEXTS: list[Any] = [*ATTACKS, "ada\x00", "\x00", "\ud800", 1, True, None, ["ada"], {}]
OPERATORS = ("equals", "starts_with", "ends_with", "contains", "not_equals")


def test_an_attribute_finds_what_the_decision_allows(session: Session) -> None:
    rows = session.scalars(sa.select(Article)).all()
    for column, operator, text in itertools.product(("title", "slug"), OPERATORS, TEXTS):
        condition = cond(f"resource.{column}", operator, "subject.q")
        policy = Policy("p", [{"action": "read", "conditions": [condition]}])
        subject = {"q": text}
        allowed = {row.id for row in rows if policy.evaluate(subject, row, "read")}
        found = policy.where(subject, "read", Article)
        assert set(session.scalars(sa.select(Article.id).where(found))) == allowed, condition


def test_null_is_not_let_in_by_a_negation(session: Session) -> None:
    for condition in (
        cond("resource.title", "not_equals", "secret"),
        cond("resource.title", "not_in", ["secret"]),
        {"not": cond("resource.title", "equals", "secret")},
        {"not": {"any": [cond("resource.title", "equals", "secret")]}},
        cond("resource.title", "not_equals", "subject.nothing"),
    ):
        policy = Policy("p", [{"action": "read", "conditions": [condition]}])
        query = sa.select(Article.title).where(policy.where({}, "read", Article))
        assert None not in session.scalars(query).all()


def test_a_denial_that_is_unknown_hides_no_row_and_opens_none(session: Session) -> None:
    deny = {
        "action": "read",
        "effect": "deny",
        "conditions": [cond("resource.title", "equals", "ada")],
    }
    policy = Policy("p", [{"action": "read"}, deny])
    found = session.scalars(sa.select(Article.title).where(policy.where({}, "read", Article))).all()
    assert "ada" not in found
    assert None in found


def test_a_truth_value_that_was_written_as_a_number_is_still_one(session: Session) -> None:
    session.execute(sa.text("UPDATE articles SET public = 5 WHERE id = 0"))
    locked = {
        "action": "read",
        "effect": "deny",
        "conditions": [cond("resource.public", "equals", True)],
    }
    policy = Policy("p", [{"action": "read"}, locked])
    assert 0 not in session.scalars(sa.select(Article.id).where(policy.where({}, "read", Article)))


def test_moments_of_the_database_itself_are_compared_as_they_come_back(session: Session) -> None:
    for number, text in enumerate(("2026-01-02 00:00:00", "2026-01-02T00:00:00.5", "2026-01-02")):
        session.execute(
            sa.text("UPDATE articles SET at = :at WHERE id = :id"), {"at": text, "id": number}
        )
    session.expire_all()
    for operator in ("equals", "before", "at_most", "after"):
        condition = cond("resource.at", operator, "2026-01-02T00:00:00")
        if operator in {"equals", "at_most"}:
            condition["attribute"], condition["value"] = "resource.at", "subject.at"
        policy = Policy("p", [{"action": "read", "conditions": [condition]}])
        rows = session.scalars(sa.select(Article).where(Article.at.is_not(None))).all()
        subject = {"at": rows[0].at}
        allowed = {row.id for row in rows if policy.evaluate(subject, row, "read")}
        found = policy.where(subject, "read", Article)
        assert set(session.scalars(sa.select(Article.id).where(found))) == allowed


def test_values_are_bound_and_never_written_into_the_statement() -> None:
    policy = Policy(
        "p", [{"action": "read", "conditions": [cond("resource.title", "contains", "subject.q")]}]
    )
    found = policy.where({"q": "'; DROP TABLE articles; --"}, "read", Article)
    statement = str(sa.select(Article.id).where(found).compile(sa.create_engine("sqlite://")))
    assert "DROP" not in statement
    assert sqlite3.complete_statement(f"{statement};")


def test_what_is_computed_from_a_hidden_field_is_hidden() -> None:
    class Person(BaseModel):
        name: str
        salary: int

        @computed_field
        @property
        def doubled(self) -> int:
            return 2 * self.salary

    hide = {"action": "read", "effect": "deny", "fields": ["salary"]}
    policy = Policy("p", [{"action": "read"}, hide])
    assert policy.mask({}, [Person(name="Ada", salary=1)]) == [{"name": "Ada"}]
