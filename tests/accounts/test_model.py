"""Accounts with columns of the application's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from zenith.accounts.model import AccountModel
from zenith.accounts.store import Account
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError, ValidationError


@dataclass(frozen=True, kw_only=True)
class Member(Account):
    company: Annotated[str, Field(max_length=20)] = ""
    born: date | None = None
    tags: tuple[str, ...] = ()


BASE = {"id": "a", "email": "a@x.org", "email_key": "a@x.org", "created_at": 1.0}


def test_columns_go_and_come_as_they_were():
    model = AccountModel(Member)
    member = Member(**BASE, company="Acme", born=date(1990, 5, 17), tags=("x", "y"))
    stored = model.dump(member)
    assert stored == {"company": "Acme", "born": "1990-05-17", "tags": ["x", "y"]}
    assert model.load(stored, BASE) == member


def test_an_account_without_them_has_the_defaults():
    model = AccountModel(Member)
    assert model.dump(Account(**BASE)) == {}
    assert model.load({}, BASE) == Member(**BASE)


def test_a_column_that_is_gone_is_ignored_and_one_of_another_type_is_not():
    model = AccountModel(Member)
    assert model.load({"former": 1}, BASE) == Member(**BASE)
    with pytest.raises(ServiceUnavailableError) as caught:
        model.load({"born": "never"}, BASE)
    assert caught.value.reason == "user_model.born cannot read what is stored"


def test_changes_are_validated():
    model = AccountModel(Member)
    assert model.checked({"born": "1990-05-17"}) == {"born": "1990-05-17"}
    with pytest.raises(ValidationError) as caught:
        model.checked({"company": "x" * 21, "roles": ["super_admin"], "born": "never"})
    assert [fault["loc"] for fault in caught.value.errors] == [["company"], ["roles"], ["born"]]
    assert "xxx" not in str(caught.value.errors)


@dataclass(frozen=True, kw_only=True)
class Demanding(Account):
    company: str


@dataclass(frozen=True, kw_only=True)
class Odd(Account):
    thing: pytest.Item | None = None


@pytest.mark.parametrize("kind", [Demanding, Odd, date, int])
def test_what_cannot_be_stored_is_refused_at_the_start(kind):
    with pytest.raises(ConfigurationError, match="user_model"):
        AccountModel(kind)


class Address(BaseModel):
    town: str = Field(alias="city")


@dataclass(frozen=True, kw_only=True)
class Odd(Account):
    score: float = 0.0
    motto: str = ""
    photo: bytes = b""
    home: Address | None = None


@pytest.mark.parametrize(
    "change",
    [
        {"score": float("nan")},
        {"score": float("inf")},
        {"motto": "half a pair \ud800"},
        {"photo": b"\xff"},
        {"home": {"city": "Rome"}},
    ],
)
def test_what_json_does_not_carry_there_and_back_is_refused(change):
    """Stored, it would fail with 500, or leave an account that nobody can read any more."""
    with pytest.raises(ValidationError) as caught:
        AccountModel(Odd).checked(change)
    assert caught.value.status == 422


def test_no_repr_shows_what_is_private():
    member = Member(**BASE, name="Ada", password_hash="$argon2id$x", company="Acme")
    assert "Acme" in repr(member)
    for private in ("a@x.org", "Ada", "argon2id"):
        assert private not in repr(member)
    hidden = dataclass(frozen=True, kw_only=True)(
        type(
            "Hidden",
            (Account,),
            {"__annotations__": {"pin": str}, "pin": field(default="", repr=False)},
        )
    )
    assert "1234" not in repr(hidden(**BASE, pin="1234"))
