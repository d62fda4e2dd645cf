"""Accounts with columns of the application's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final, get_type_hints

import pydantic
from pydantic import TypeAdapter

from zenith.accounts.store import Account
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError, ValidationError

_FIX: Final = "write @dataclass(frozen=True, kw_only=True) class User(Account), with defaults"
_OWN: Final = frozenset(each.name for each in fields(Account))


class AccountModel:
    """Turns stored columns into the application's account class and back.

    Threat: values of the wrong type or size that reach handlers through the database (ASVS 2.2.1),
    and fields that clients set although nobody meant them to (ASVS 15.3.3): values are validated
    whenever they are written and read, and no route of Zenith writes any of them.

    `kind` extends `Account` by fields with defaults; any type that Pydantic knows and JSON can
    carry will do. Raises ConfigurationError for another class.
    """

    def __init__(self, kind: type[Account] = Account) -> None:
        _require_model(kind)
        self.kind: Final = kind
        own = [each for each in fields(kind) if each.name not in _OWN]
        for each in own:
            if each.default is each.default_factory is MISSING:
                raise ConfigurationError(
                    f"user_model.{each.name} has no default, which accounts without it would need",
                    fix=_FIX,
                )
        self._fields: Final[dict[str, TypeAdapter[Any]]] = _adapters(kind, own)

    def load(self, profile: Mapping[str, object], values: Mapping[str, Any]) -> Account:
        """The account; `values` are Zenith's own columns. A stored column that the class has no
        longer is ignored, one of another type raises ServiceUnavailableError.
        """
        own: dict[str, Any] = {}
        for name, adapter in self._fields.items():
            if name in profile:
                try:
                    own[name] = adapter.validate_python(profile[name])
                except pydantic.ValidationError:
                    raise ServiceUnavailableError(
                        reason=f"user_model.{name} cannot read what is stored"
                    ) from None
        return self.kind(**values, **own)

    def dump(self, account: Account) -> dict[str, object]:
        """The application's columns of an account, as JSON carries them."""
        return {
            name: adapter.dump_python(getattr(account, name), mode="json")
            for name, adapter in self._fields.items()
            if hasattr(account, name)
        }

    def checked(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Changes as JSON carries them. Raises ValidationError for a name that is no column of the
        application's own, and for values that do not fit.
        """
        faults: list[object] = []
        kept: dict[str, object] = {}
        for name, value in changes.items():
            adapter = self._fields.get(name)
            if adapter is None:
                faults.append({"type": "unknown_field", "loc": [name], "msg": "No such field"})
                continue
            try:
                kept[name] = _as_json(adapter, value)
            except pydantic.ValidationError as error:
                faults += [
                    {"type": each["type"], "loc": [name, *each["loc"]], "msg": each["msg"]}
                    for each in error.errors(
                        include_input=False, include_context=False, include_url=False
                    )
                ]
            except ValueError:
                faults.append({"type": "not_storable", "loc": [name], "msg": "Cannot be stored"})
        if faults:
            raise ValidationError(faults)
        return kept


def _as_json(adapter: TypeAdapter[Any], value: object) -> object:
    """The value as it is stored. Raises ValueError for what JSON does not carry there and back,
    such as infinity: an account that cannot be read any more is one that nobody can sign in to.
    """
    dumped = adapter.dump_python(adapter.validate_python(value), mode="json")
    text = json.dumps(dumped, allow_nan=False, ensure_ascii=False).encode()
    adapter.validate_python(json.loads(text))
    return dumped


def _require_model(kind: object) -> None:
    # A class that was not decorated itself inherits the marks of one that was, but has no fields.
    if (
        not isinstance(kind, type)
        or not issubclass(kind, Account)
        or "__dataclass_fields__" not in vars(kind)
    ):
        raise ConfigurationError("user_model is no dataclass that extends Account", fix=_FIX)


def _adapters(kind: type[Account], own: list[Field[Any]]) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(kind, include_extras=True)
    try:
        return {each.name: TypeAdapter(hints[each.name]) for each in own}
    except pydantic.errors.PydanticSchemaGenerationError as error:
        raise ConfigurationError(
            "user_model has a field of a type that cannot be validated", fix=_FIX
        ) from error
