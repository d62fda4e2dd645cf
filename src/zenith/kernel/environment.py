"""Turns flat variables into settings, by the types that the settings declare."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

PREFIX: Final = "ZENITH_"
NESTED: Final = "__"
OFF: Final = frozenset({"", "off", "none"})
T = TypeVar("T")


def read_section(kind: type[T], variables: Mapping[str, str], *, prefix: str) -> T:
    """Build the settings dataclass `kind` from variables that all begin with `prefix`.

    Threat: a misspelled variable or value that quietly leaves a default in place, and secrets that
    error messages repeat (ASVS 13.3.1, 16.2.5). Raises ConfigurationError for variables that no
    field has, for values that do not fit and for required fields without one; the messages name
    the variable and never its value.
    """
    hints = get_type_hints(kind)
    declared: tuple[Field[Any], ...] = fields(cast("Any", kind))
    names = {prefix + item.name.upper(): item.name for item in declared}
    grouped: dict[str, dict[str, str]] = {}
    for variable, value in variables.items():
        head, separator, _ = variable[len(prefix) :].partition(NESTED)
        name = names.get(prefix + head)
        if name is None:
            raise _unknown(
                variable, {known: _dataclass_of(hints[own]) for known, own in names.items()}
            )
        if separator and _dataclass_of(hints[name]) is None:
            raise ConfigurationError(
                f"{variable} is no setting", fix=f"{prefix + head} has no members: set it itself"
            )
        grouped.setdefault(name, {})[variable] = value
    values = {
        name: _read_field(hints[name], prefix + name.upper(), found)
        for name, found in grouped.items()
    }
    for item in declared:
        if item.name not in values and item.default is item.default_factory is MISSING:
            raise ConfigurationError(
                f"{prefix}{item.name.upper()} is not set",
                fix=f"set it, or none of {prefix}*",
            )
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
    can_be_off = f", or {variable}=off and nothing else" if _is_optional(hint) else ""
    raise ConfigurationError(
        f"{variable} is a group of settings",
        fix=f"set its members, such as {_example(section, variable)}{can_be_off}",
    )


def _example(section: Any, variable: str) -> str:
    return f"{variable}{NESTED}{fields(section)[0].name.upper()}"


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
        if is_dataclass(inner):
            raise _only_in_code(variable)
        return tuple(_convert(inner, variable, part) for part in parts)
    if get_origin(hint) in (dict, Mapping):
        return _table(hint, variable, text)
    return _validated(hint, variable, text)


def _table(hint: Any, variable: str, text: str) -> Any:
    inner = get_args(hint)[1]
    if inner is Secret:
        texts = _validated(dict[str, str], variable, text)
        return {name: Secret(value) for name, value in texts.items()}
    if get_origin(inner) is Collection:
        # A type that says too little to be read: any list of such values will do.
        hint = dict[str, tuple[get_args(inner)[0], ...]]  # type: ignore[misc]
    return _validated(hint, variable, text)


def _validated(hint: Any, variable: str, text: str) -> Any:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        raise _only_in_code(variable) from None
    try:
        if get_origin(hint) in (dict, Mapping):
            return adapter.validate_json(text)
        return adapter.validate_strings(text)
    except ValidationError as error:
        # Pydantic's own text repeats the input, which may be a secret put into the wrong variable.
        problem = error.errors(include_input=False, include_context=False, include_url=False)[0]
        raise ConfigurationError(f"{variable}: {problem['msg']}", fix="correct its value") from None


def _only_in_code(variable: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} cannot be set by the environment", fix="set it in code: Settings(...)"
    )


def _unknown(variable: str, names: Mapping[str, Any]) -> ConfigurationError:
    groups = [name for name, group in names.items() if group and variable.startswith(name + "_")]
    flat = {name.replace(NESTED, "_"): name for name in names}
    close = get_close_matches(variable.replace(NESTED, "_"), flat, n=1)
    if groups and NESTED not in variable:
        member = variable[len(groups[0]) :].lstrip("_")
        fix = f"members of a group take two underscores: {groups[0]}{NESTED}{member}"
    elif close:
        fix = f"did you mean {flat[close[0]]}?"
    else:
        fix = "remove it, or see the list of settings"
    return ConfigurationError(f"{variable} is no setting", fix=fix)


def _dataclass_of(hint: Any) -> Any:
    candidates = get_args(hint) if _is_optional(hint) else (hint,)
    return next((part for part in candidates if is_dataclass(part)), None)


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and types.NoneType in get_args(hint)
