"""The attack: send a field that the form does not have, to an application whose handler passes on
whatever it was given; and ask for answers, filters and orders by fields that are not for clients
(OWASP API3, ASVS 15.3.1, 15.3.3)."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import BaseModel
from sqlmodel import Field, MetaData

from zenith import ZenithModel
from zenith.kernel.sensitive import PII, SECRET, Sensitive
from zenith.query import columns_of
from zenith.validation import StrictModel, Username

metadata = MetaData()


class Address(StrictModel):
    street: str


class SignUp(StrictModel):
    username: Username
    address: Address | None = None


class Patient(ZenithModel, table=True):
    __encryption__: ClassVar = None
    metadata = metadata
    __tablename__ = "masked_patients"
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    email: Sensitive[str, PII] = Field(default="", unique=True, max_length=254)
    pin: Sensitive[str, SECRET] = Field(default="")


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ada", "role": "admin"},
        {"username": "ada", "Username": "bob"},
        {"username": "ada", "__class__": "Admin"},
        {"username": "ada", "model_config": {"extra": "allow"}},
        {"username": "ada", "address": {"street": "a", "owner_id": 1}},
        {"username": "ada", "": 1},
    ],
)
def test_a_strict_model_takes_what_it_declares(body):
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        SignUp.model_validate(body)


def test_even_where_a_field_is_inherited():
    class Admin(SignUp):
        is_admin: bool = False

    assert not hasattr(SignUp(username="ada"), "is_admin")
    with pytest.raises(ValueError, match="Extra inputs"):
        Admin.model_validate({"username": "ada", "isAdmin": True})


def test_sensitive_columns_cannot_be_asked_for():
    """A filter or an order tells a hidden value one comparison at a time."""
    columns = columns_of(Patient)
    assert columns.by_name["email"].exposure == "sensitive"
    assert columns.by_name["pin"].exposure == "sensitive"
    for name in ("email", "pin"):
        with pytest.raises(ValueError, match="has no column"):
            Patient.where(**{name: "x"})
        with pytest.raises(ValueError, match="has no column"):
            Patient.order_by(name)
    assert columns.by_name["name"].is_open


def test_the_column_is_still_what_it_was():
    table = Patient.__table__
    assert table.c.email.unique
    assert table.c.email.type.length == 254


def test_what_is_secret_is_in_no_answer():
    patient = Patient(name="Ada", email="ada@example.org", pin="1234")
    assert patient.model_dump()["pin"] == "1234"  # for code's own use
    assert "1234" not in patient.model_dump_json()
    assert "ada@example.org" not in repr(patient)

    class Answer(BaseModel):
        patient: Patient

    assert "1234" not in Answer(patient=patient).model_dump_json()
