from __future__ import annotations

import pytest
from pydantic import ValidationError as PydanticError

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
