"""How the types of this folder are validated by Pydantic."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from zenith.content.errors import ContentError

T = TypeVar("T", bound=str)


def text_schema(make: Callable[[str], T], *, max_length: int) -> CoreSchema:
    """A string that `make` cleans or refuses; a refusal is a fault of the field, by its own type,
    and does not repeat what was sent.
    """

    def validate(value: str) -> T:
        try:
            return make(value)
        except ContentError as error:
            raise PydanticCustomError(error.fault, "{detail}", {"detail": error.detail}) from None

    return core_schema.no_info_after_validator_function(
        validate, core_schema.str_schema(max_length=max_length)
    )
