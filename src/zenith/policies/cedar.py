"""Policies in Cedar, behind the same protocol as everything else that decides."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from zenith.authorization.decision import Decision
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.policies.errors import PolicyError
from zenith.policies.facts import fact
from zenith.policies.mask import names_of
from zenith.policies.values import elements_of, plain

Entity: TypeAlias = dict[str, Any]
Entities: TypeAlias = Callable[[Principal, Any], Sequence[Mapping[str, Any]]]
"""Further entities that policies may look at: groups, parents of the resource."""

DECIMAL_PLACES: Final = -4
DECIMAL_DIGITS: Final = 14
MAX_DEPTH: Final = 8
MILLISECOND: Final = 1000
_PRINCIPAL: Final = ("id", "kind", "roles", "permissions", "scopes", "tenant", "scheme")
_log: Final = logging.getLogger("zenith")


class CedarAuthorizer:
    """Decides by policies in Cedar (`cedarpy`), which a team may have already.

    The principal is `User::"<id>"`, or `<principal_type>`, in `Role::"<role>"` for each of its
    roles; the action is `Action::"<action>"`; the resource is of the type that `resource_type`
    names, or its class, with its `id`. Attributes are what the objects store; of the resource those
    that `attributes` names, or all. `entities` adds others.

    Threat: an error that Cedar skips together with the policy that forbids (ASVS 16.5.3). A policy
    that cannot be evaluated, a value that Cedar cannot hold, or whatever else goes wrong, denies.

    Raises PolicyError for policies that cannot be parsed or that do not fit `schema`, and where
    `cedarpy` is not installed.
    """

    def __init__(
        self,
        policies: str,
        *,
        name: str = "cedar",
        schema: str | None = None,
        principal_type: str = "User",
        resource_type: str | Callable[[Any], str] | None = None,
        attributes: Sequence[str] | None = None,
        entities: Entities | None = None,
    ) -> None:
        self._cedar: Final = _cedarpy()
        self._name: Final = name
        self._principal_type: Final = principal_type
        self._resource_type: Final = resource_type
        self._attributes: Final = None if attributes is None else tuple(attributes)
        self._entities: Final = entities
        try:
            self._policies: Final = self._cedar.PolicySet.from_str(policies)
            self._schema: Final = None if schema is None else self._cedar.Schema.from_str(schema)
            faults: list[Any] = []
            if schema is not None:
                faults += self._cedar.validate_policies(policies, self._schema).errors
        except (TypeError, ValueError) as error:
            raise PolicyError(
                f"policy `{name}`: {error}", fix="correct it; the syntax is that of Cedar 4"
            ) from None
        if faults:
            raise PolicyError(
                f"policy `{name}` does not fit its schema: {'; '.join(map(str, faults))}",
                fix="correct the policies or the schema",
            )

    @property
    def name(self) -> str:
        """As logs and tables of routes say it."""
        return self._name

    async def authorize(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Decision:
        """Allow where Cedar allows and nothing went wrong."""
        errors: list[str] = []
        reasons: list[str] = []
        allowed = False
        try:
            found = self._ask(principal, action, resource, context)
            errors += map(str, found.diagnostics.errors)
            reasons += map(str, found.diagnostics.reasons)
            allowed = found.allowed is True and not errors
        except Exception as error:  # noqa: BLE001  # whatever it is, nothing was allowed
            _log.exception("policy %s failed and denied %s", self._name, action)
            errors.append(f"{type(error).__name__}: {error}")
        if allowed:
            return Decision(allowed=True, reason=f"policy {self._name}: {', '.join(reasons)}")
        why = "; ".join(errors) or ", ".join(reasons) or "no policy permits"
        return Decision(
            allowed=False,
            detail=f"Permission denied: {action}",
            reason=f"policy {self._name}: {action} denied: {why}"[:4000],
        )

    def _ask(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Any:
        caller = self._principal(principal)
        thing = self._resource(resource)
        roles = [_entity("Role", role) for role in sorted(principal.roles)]
        others = () if self._entities is None else self._entities(principal, resource)
        request = {
            "principal": caller["uid"],
            "action": {"type": "Action", "id": action},
            "resource": thing["uid"],
            "context": _record(context, MAX_DEPTH),
        }
        everything = [caller, thing, *roles, *map(dict, others)]
        return self._cedar.is_authorized(request, self._policies, everything, self._schema)

    def _principal(self, principal: Principal) -> Entity:
        known = {name: fact(principal, name) for name in _PRINCIPAL}
        entity = _entity(self._principal_type, principal.subject, known)
        entity["parents"] = [{"type": "Role", "id": role} for role in sorted(principal.roles)]
        return entity

    def _resource(self, resource: object) -> Entity:
        kind = self._resource_type
        if kind is None:
            own = type(resource)
            kind = "Resource" if resource is None or issubclass(own, Mapping) else own.__name__
        elif callable(kind):
            kind = kind(resource)
        names = self._attributes
        if names is None:
            names = () if resource is None else tuple(names_of(resource))
        known = {name: fact(resource, name) for name in names}
        key = plain(fact(resource, "id"))
        return _entity(kind, "" if key is None else str(key), known)


def _cedarpy() -> Any:
    try:
        return importlib.import_module("cedarpy")
    except ModuleNotFoundError:
        raise PolicyError(
            "policies in Cedar need cedarpy, which is not installed",
            fix="install zenith-security[cedar]",
        ) from None


def _entity(kind: str, key: str, attributes: Mapping[str, Any] | None = None) -> Entity:
    known = _record(attributes or {}, MAX_DEPTH)
    return {"uid": {"type": kind, "id": key}, "attrs": known, "parents": []}


def _record(values: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """What is null is not there, as in other policies."""
    return {name: _value(value, depth) for name, value in values.items() if value is not None}


def _value(value: object, depth: int) -> Any:
    """`value` as Cedar holds it. Raises ValueError for what it cannot hold exactly."""
    if depth == 0:
        raise ValueError("values lie too deep within each other")
    if isinstance(value, Permissions):
        return list(value)
    if isinstance(value, Mapping):
        return _record(cast(Mapping[str, Any], value), depth - 1)
    elements = elements_of(value)
    if elements is not None:
        return [_value(element, depth - 1) for element in elements]
    if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return _extension("ip", str(value))
    return _single(value)


def _single(value: object) -> Any:
    found = plain(value)
    if isinstance(found, bool | str):
        return found
    if isinstance(found, int):
        if not -(1 << 63) <= found < 1 << 63:
            raise ValueError("Cedar holds whole numbers of 64 bits only")
        return found
    if isinstance(found, UUID):
        return str(found)
    if isinstance(found, float | Decimal):
        return _extension("decimal", _decimal(Decimal(str(found))))
    if isinstance(found, datetime):
        return _extension("datetime", _moment(found))
    if isinstance(found, date):
        return _extension("datetime", found.isoformat())
    raise ValueError(f"Cedar holds no {type(value).__name__}")


def _decimal(number: Decimal) -> str:
    exponent = number.as_tuple().exponent
    if (
        not isinstance(exponent, int)
        or exponent < DECIMAL_PLACES
        or number.adjusted() > DECIMAL_DIGITS
    ):
        raise ValueError("Cedar holds decimals of 4 places only")
    text = f"{number:f}"
    return text if "." in text else f"{text}.0"


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None or moment.microsecond % MILLISECOND:
        raise ValueError("Cedar holds moments with a zone, to the millisecond")
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"{text}Z"


def _extension(function: str, argument: str) -> dict[str, Any]:
    return {"__extn": {"fn": function, "arg": argument}}
