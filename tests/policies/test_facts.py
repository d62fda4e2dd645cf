from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass

import pytest
from pydantic import BaseModel
from sqlalchemy import create_engine, inspect
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlmodel import Field, Session, SQLModel

from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.policies import Policy
from zenith.policies.facts import fact, is_there


class FactRow(SQLModel, table=True):
    __tablename__ = "policy_fact_rows"
    id: int | None = Field(default=None, primary_key=True)
    title: str

    @property
    def shouted(self) -> str:
        raise AssertionError("run")


def test_models_rows_and_mappings():
    class Model(BaseModel):
        title: str
        other: str | None = None

    @dataclass
    class Data:
        title: str = "a"

    for source in (Model(title="a"), Data(), FactRow(title="a"), UserDict(title="a")):
        assert fact(source, "title") == "a"
        assert fact(source, "other") is None
        assert fact(source, "nothing") is None
    assert fact(FactRow(title="a"), "shouted") is None


def test_every_fact_of_a_principal():
    ada = Principal(
        subject="ada",
        kind="user",
        roles=frozenset({"editor"}),
        scopes=frozenset({"read"}),
        session_id="s1",
        factors={"password": 1.0},
        tenant="t1",
        scheme="session",
    )
    names = ("id", "subject", "kind", "roles", "scopes", "session_id", "tenant", "scheme")
    wanted = ("ada", "ada", "user", {"editor"}, {"read"}, "s1", "t1", "session")
    assert tuple(fact(ada, name) for name in names) == wanted
    assert fact(fact(ada, "factors"), "password") == 1.0
    assert fact(ada, "is_authenticated") is True
    assert fact(ada, "has_scope") is None
    assert [fact(ANONYMOUS, name) for name in ("id", "subject", "scheme", "tenant")] == [None] * 4


def test_columns_that_are_not_loaded_are_loaded_or_an_error_never_absent():
    """A rule that denies must not overlook a column because the row was committed since."""
    engine = create_engine("sqlite://")
    FactRow.__table__.create(engine)  # type: ignore[attr-defined]
    rules = [
        {"action": "read"},
        {
            "action": "read",
            "effect": "deny",
            "conditions": [
                {"attribute": "resource.title", "operator": "equals", "value": "secret"}
            ],
        },
    ]
    policy = Policy("rows", rules)
    with Session(engine) as session:
        row = FactRow(title="secret")
        session.add(row)
        session.commit()
        assert "title" in inspect(row).expired_attributes
        assert not policy.evaluate({}, row, "read")
        session.commit()
    with pytest.raises(DetachedInstanceError):
        policy.evaluate({}, row, "read")
    engine.dispose()


def test_existence():
    assert is_there(0)
    assert is_there("")
    assert not is_there(None)
    assert not is_there(len)
