"""`StrictModel`: input that is what it declares, and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.dataclasses import is_pydantic_dataclass

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import Quiet, models_in


class StrictModel(Quiet, BaseModel):
    """A model that refuses fields it does not know.

    Threat: mass assignment (OWASP API3, ASVS 15.3.3): `"role": "admin"` in a body that somebody
    passes on as it is. Infinities and NaN are refused too, assignments are validated, and its
    errors and its repr repeat no sensitive value. Raises ConfigurationError for a field that holds
    a model that says nothing of further fields: such a model would let them through.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_assignment=True,
        validate_default=True,
    )

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        """Look at the models within, once their names are known."""
        for name, field in cls.model_fields.items():
            for kind in models_in(field.annotation):
                _check_strict(f"{cls.__name__}.{name}", kind)


def _check_strict(place: str, kind: type[Any]) -> None:
    """Dataclasses of the standard library follow the model that they are in; others do not."""
    if issubclass(kind, RootModel):
        for inner in models_in(cast("Any", kind).model_fields["root"].annotation):
            _check_strict(place, inner)
        return
    config: object = getattr(kind, "model_config", None)
    if not issubclass(kind, BaseModel):
        if not is_pydantic_dataclass(kind):
            return
        config = getattr(kind, "__pydantic_config__", None)
    if "extra" not in cast("dict[str, object]", config or {}):
        raise ConfigurationError(
            f"{place} holds {kind.__name__}, which ignores fields that it does not know",
            fix=f"derive {kind.__name__} from StrictModel, or let its config say extra=...",
        )
