"""`StrictModel`: input that is what it declares, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from zenith.kernel.sensitive import sensitive_fields


class StrictModel(BaseModel):
    """A model that refuses fields it does not know.

    Threat: mass assignment (OWASP API3, ASVS 15.3.3): `"role": "admin"` in a body that somebody
    passes on as it is. Infinities and NaN are refused too, assignments are validated, and its
    errors and its repr repeat no sensitive value.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_assignment=True,
        validate_default=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        marks = sensitive_fields(type(self))
        for name, value in super().__repr_args__():
            if name not in marks:
                yield name, value
