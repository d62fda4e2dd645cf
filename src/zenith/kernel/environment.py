"""Turns flat variables into settings, by the types that the settings declare."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

PREFIX: Final = "ZENITH_"
NESTED: Final = "__"
OFF: Final = frozenset({"", "off", "none"})
T = TypeVar("T")


def read_section(kind: type[T], variables: Mapping[str, str], *, prefix: str) -> T:
    """Build the settings dataclass `kind` from variables that all begin with `prefix`."""
    hints = get_type_hints(kind)
    names = {prefix + item.name.upper(): item.name for item in fields(kind)}  # type: ignore[arg-type]
    grouped: dict[str, dict[str, str]] = {}
    for variable, value in variables.items():
        head, separator, _ = variable[len(prefix) :].partition(NESTED)
        name = names.get(prefix + head)
        if name is None or (separator and _dataclass_of(hints[name]) is None):
            raise _unknown(variable, names)
        grouped.setdefault(name, {})[variable] = value
    values = {
        name: _read_field(hints[name], prefix + name.upper(), found)
        for name, found in grouped.items()
    }
    return kind(**values)


def _read_field(hint: Any, variable: str, found: Mapping[str, str]) -> Any:
    section = _dataclass_of(hint)
    if section is None:
        return _convert(hint, variable, found[variable])
    direct = found.get(variable)
    if direct is None:
        return read_section(section, found, prefix=variable + NESTED)
    if direct.lower() in OFF and _is_optional(hint) and len(found) == 1:
        return None
    raise ConfigurationError(
        f"{variable} is a group of settings",
        fix=f"set its members, {variable}{NESTED}..., or {variable}=off where it can be off",
    )


def _convert(hint: Any, variable: str, text: str) -> Any:
    if _is_optional(hint):
        if text.lower() in OFF:
            return None
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if hint is Secret:
        return Secret(text)
    if get_origin(hint) is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        inner = get_args(hint)[0]
        return tuple(_convert(inner, variable, part) for part in parts)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        raise ConfigurationError(
            f"{variable} cannot be set by the environment", fix="set it in code: Settings(...)"
        ) from None
    try:
        if get_origin(hint) in (dict, Mapping):
            return adapter.validate_json(text)
        return adapter.validate_strings(text)
    except ValidationError as error:
        # Pydantic's own text repeats the input, which may be a secret put into the wrong variable.
        problem = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise ConfigurationError(f"{variable}: {problem}", fix="correct its value") from None


def _unknown(variable: str, names: Mapping[str, str]) -> ConfigurationError:
    flat = {name.replace(NESTED, "_"): name for name in names}
    close = get_close_matches(variable.replace(NESTED, "_"), flat, n=1)
    nested = [name for name in names if variable.startswith(name + "_")]
    if nested:
        rest = variable[len(nested[0]) :].lstrip("_")
        return ConfigurationError(
            f"{variable} is no setting", fix=f"members take two underscores: {nested[0]}__{rest}"
        )
    fix = f"did you mean {flat[close[0]]}?" if close else "remove it, or see the list of settings"
    return ConfigurationError(f"{variable} is no setting", fix=fix)


def _dataclass_of(hint: Any) -> Any:
    candidates = get_args(hint) if _is_optional(hint) else (hint,)
    return next((part for part in candidates if is_dataclass(part)), None)


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and types.NoneType in get_args(hint)
