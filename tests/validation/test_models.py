from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, RootModel, create_model
from pydantic import ValidationError as PydanticError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import PII, Sensitive
from zenith.validation import StrictModel


class Form(StrictModel):
    email: Sensitive[str, PII]
    number: float = 1.0


def test_unknown_fields_are_refused():
    with pytest.raises(PydanticError) as caught:
        Form.model_validate({"email": "a", "role": "admin"})
    assert [found["type"] for found in caught.value.errors()] == ["extra_forbidden"]


@pytest.mark.parametrize("number", ["inf", "nan", float("inf"), float("nan")])
def test_numbers_are_finite(number):
    with pytest.raises(PydanticError):
        Form(email="a", number=number)


def test_assignments_are_validated():
    form = Form(email="a")
    with pytest.raises(PydanticError):
        form.number = "x"
    with pytest.raises((PydanticError, ValueError)):
        form.role = "admin"


def test_errors_and_reprs_repeat_nothing():
    with pytest.raises(PydanticError) as caught:
        Form.model_validate({"email": ["hunter2"]})
    assert "hunter2" not in str(caught.value)
    assert repr(Form(email="ada@example.org")) == "Form(number=1.0)"


class Loose(BaseModel):
    street: str = ""


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str = ""


@dataclass
class Plain:
    street: str = ""


@pydantic_dataclass
class Checked:
    street: str = ""


@pydantic_dataclass(config=ConfigDict(extra="forbid"))
class CheckedWell:
    street: str = ""


@pytest.mark.parametrize(
    "kind",
    [Loose, list[Loose], dict[str, Loose | None], Annotated[Loose, "x"], RootModel[list[Loose]],
     Checked, tuple[int, Checked]],
)  # fmt: skip
def test_what_lets_fields_through_is_in_no_strict_model(kind):
    with pytest.raises(ConfigurationError, match=r"Order\.to holds \w+, which ignores"):
        create_model("Order", __base__=StrictModel, to=(kind, ...))


@pytest.mark.parametrize("kind", [Form, Forbidding, Plain, CheckedWell, RootModel[Forbidding]])
def test_what_refuses_fields_may_be_in_it(kind):
    made = create_model("Order", __base__=StrictModel, to=(kind, ...))
    with pytest.raises(PydanticError):
        made.model_validate({"to": {"street": "a", "email": "b", "role": "admin"}})


def test_what_is_named_before_it_is_there_is_looked_at_then():
    class Later(StrictModel):
        to: Afterwards | None = None

    class Afterwards(BaseModel):
        street: str = ""

    with pytest.raises(ConfigurationError):
        Later.model_rebuild(_types_namespace={"Afterwards": Afterwards})
