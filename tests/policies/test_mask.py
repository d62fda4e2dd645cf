"""Masks: what is left of objects of every kind."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, deferred, mapped_column

from zenith.policies import Policy


class Base(DeclarativeBase):
    """Tables of these tests."""


class Person(Base):
    __tablename__ = "persons"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    salary: Mapped[int]
    letter: Mapped[str | None] = deferred(mapped_column(sa.Text))


class Model(BaseModel):
    id: int
    name: str
    salary: int


@dataclass(slots=True)
class Slotted:
    id: int
    name: str
    salary: int
    _private: str = "x"


def rule(
    effect: str = "allow", *conditions: Any, fields: Any = None, **more: Any
) -> dict[str, Any]:
    made = {"action": "read", "effect": effect, "conditions": list(conditions), **more}
    return made if fields is None else {**made, "fields": fields}


def cond(attribute: str, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "operator": "equals", "value": value}


PERSON = {"id": 1, "name": "Ada", "salary": 5}
HIDE_SALARY = rule("deny", fields=["salary"])
HR = cond("subject.team", "hr")


@pytest.mark.parametrize(
    "source",
    [
        PERSON,
        UserDict(PERSON),
        Model(**PERSON),
        Slotted(**PERSON),
        SimpleNamespace(**PERSON, _private="x"),
        Person(**PERSON),
    ],
    ids=lambda source: type(source).__name__,
)
def test_hidden_fields_are_left_out_and_the_rest_keeps_its_order(source: Any) -> None:
    (shown,) = Policy("p", [rule(), HIDE_SALARY]).mask({}, [source])
    assert list(shown.items())[:2] == [("id", 1), ("name", "Ada")]
    assert "salary" not in shown
    assert "_private" not in shown


def test_keys_that_are_no_text_are_left_out() -> None:
    policy = Policy("p", [rule()])
    assert policy.mask({}, [{1: 2, "a": 3}, UserDict({1: 2, "a": 3})]) == [{"a": 3}, {"a": 3}]
    assert policy.mask({}, [7, None]) == [{}, {}]


def test_an_object_that_is_denied_is_empty_and_keeps_its_place() -> None:
    policy = Policy("p", [rule("allow", cond("resource.id", 1))])
    assert policy.mask({}, [{"id": 2}, {"id": 1}]) == [{}, {"id": 1}]
    banned = Policy("p", [rule(), rule("deny", cond("resource.id", 1))])
    assert banned.mask({}, [{"id": 2}, {"id": 1}]) == [{"id": 2}, {}]
    assert banned.mask({}, [{"id": 2}], "write") == [{}]


def test_what_several_rules_show_is_shown() -> None:
    policy = Policy("p", [rule(fields=["id"]), rule(fields=["name"]), rule("allow", HR)])
    assert policy.mask({}, [PERSON]) == [{"id": 1, "name": "Ada"}]
    assert policy.mask({"team": "hr"}, [PERSON]) == [PERSON]


def test_what_is_hidden_stays_hidden_whatever_shows_it() -> None:
    shown = rule("allow", fields=["salary"], name="shown")
    policy = Policy("p", [rule(), shown, rule("deny", cond("resource.id", 1), fields=["salary"])])
    assert policy.mask({}, [PERSON, {**PERSON, "id": 2}]) == [
        {"id": 1, "name": "Ada"},
        {**PERSON, "id": 2},
    ]


def test_under_first_match_the_first_rule_that_speaks_of_a_field_decides() -> None:
    rules = [rule("allow", HR, fields=["salary"]), HIDE_SALARY, rule()]
    policy = Policy("p", rules, combine="first-match")
    assert policy.mask({}, [PERSON]) == [{"id": 1, "name": "Ada"}]
    assert policy.mask({"team": "hr"}, [PERSON]) == [PERSON]
    closed = Policy("p", [rule(fields=["id"]), rule("deny"), rule()], combine="first-match")
    assert closed.mask({}, [PERSON]) == [{"id": 1}]
    assert Policy("p", [rule("deny"), rule()], combine="first-match").mask({}, [PERSON]) == [{}]


def test_conditions_on_the_subject_are_asked_once_for_a_list() -> None:
    asked = 0

    class Subject(UserDict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            nonlocal asked
            asked += 1
            return super().__getitem__(key)

    policy = Policy("p", [rule("allow", HR), HIDE_SALARY])
    assert len(policy.mask(Subject(team="hr"), [PERSON] * 50)) == 50
    assert asked == 1


def test_actions_that_no_rule_names_are_not_remembered() -> None:
    policy = Policy("p", [{"action": "*"}, HIDE_SALARY])
    for number in range(5):
        assert policy.mask({}, [PERSON], f"action {number}") == [PERSON]
    policy.mask({}, [PERSON])
    assert list(policy._masks) == ["read"]


def test_columns_that_a_query_left_out_are_not_fetched_for_the_mask() -> None:
    engine = sa.create_engine("sqlite://")
    with Session(engine) as session:
        Base.metadata.create_all(session.connection())
        session.add(Person(**PERSON, letter="Dear"))
        session.commit()
        session.expunge_all()
        (person,) = session.scalars(sa.select(Person)).all()
        policy = Policy("p", [rule()])
        assert policy.mask({}, [person]) == [PERSON]
        assert person.letter == "Dear"
        assert policy.mask({}, [person]) == [{**PERSON, "letter": "Dear"}]
    engine.dispose()
