"""Decisions that are kept, on request, so that the next version can be tried on them."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from random import SystemRandom
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.permissions import Permissions
from zenith.policies.conditions import Reference
from zenith.policies.facts import Facts, reader
from zenith.policies.policy import Policy
from zenith.policies.references import references_in
from zenith.policies.store import DecisionStore, RecordedDecision
from zenith.policies.values import elements_of, plain

MAX_WAITING: Final = 1_000
"""Decisions that wait to be written; more are not recorded."""
MAX_TEXT: Final = 256
MAX_ELEMENTS: Final = 64
_SECRET_NAMES: Final = re.compile(
    r"passw|passphrase|pwd|secret|token|cookie|credential|apikey|privatekey|otp|recoverycode|cvv"
    r"|csrf|jwt|bearer|pin$|iban|ssn"
)
_SECRET_TEXT: Final = re.compile(r"(?<![\w-])(?:eyJ[\w-]{5,}+\.|z[a-z]_[\w-]{20,})")
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]")

Json: TypeAlias = Any
_random: Final = SystemRandom()
_log: Final = logging.getLogger("zenith")


class DecisionRecorder:
    """Keeps what a policy looked at and what it said. Off unless somebody makes one.

    Threat: a second copy of everybody's data, and of secrets, beside the audit log (ASVS 14.2.4).
    Only attributes that the policy asks for, and those that `also` names (`resource.team`), are
    kept, none whose name or value looks like a secret, none that is long, and no more than `keep`
    decisions of a policy. `share` is the part of all decisions that is kept, from 0 to 1. No
    decision waits for the store or fails by it: what cannot be written is not recorded.
    """

    def __init__(
        self,
        store: DecisionStore,
        *,
        keep: int = 10_000,
        share: float = 1.0,
        also: Iterable[Reference] = (),
        clock: Clock = wall_clock,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._store: Final = store
        self._keep: Final = keep
        self._share: Final = share
        self._also: Final = tuple(also)
        self._clock: Final = clock
        self._random: Final = random
        self._waiting: Final[deque[RecordedDecision]] = deque(maxlen=MAX_WAITING)
        self._known: Final[dict[str, tuple[Policy, tuple[Reference, ...]]]] = {}

    def note(self, policy: Policy, number: int, *, allowed: bool, facts: Facts) -> None:
        """Remember a decision of version `number` until the next `flush`."""
        if self._share < 1.0 and self._random() >= self._share:
            return
        self._waiting.append(
            RecordedDecision(
                policy=policy.name,
                number=number,
                at=self._clock(),
                action=facts[3],
                allowed=allowed,
                facts=_kept(self._attributes(policy), facts),
            )
        )

    def _attributes(self, policy: Policy) -> tuple[Reference, ...]:
        known = self._known.get(policy.name)
        if known is None or known[0] is not policy:
            asked = [each for each in references_in(policy.rules) if each.root != "action"]
            known = (policy, tuple(dict.fromkeys((*asked, *self._also))))
            self._known[policy.name] = known
        return known[1]

    async def flush(self) -> None:
        """Write what waits. Raises ServiceUnavailableError; what was not written is lost."""
        found = list(self._waiting)
        self._waiting.clear()
        if found:
            await self._store.add(found, keep=self._keep)


def _kept(references: Iterable[Reference], facts: Facts) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for reference in references:
        if any(_SECRET_NAMES.search(_NOT_LETTERS.sub("", each.lower())) for each in reference.path):
            continue
        try:
            kept[str(reference)] = _encoded(reader(reference)(facts))
        except ValueError:
            continue
        except Exception:  # noqa: BLE001  # a mapper that cannot load; the decision did not need it
            _log.exception("%s cannot be read and is not recorded", reference)
    return kept


def _encoded(value: object) -> Json:
    """`value` for JSON; raises ValueError for what is not kept."""
    if value is None:
        return None
    if isinstance(value, Permissions):
        return {"permissions": _listed(tuple(value))}
    elements = elements_of(value)
    if elements is not None:
        return _listed(elements)
    found = plain(value)
    if isinstance(found, str):
        if len(found) > MAX_TEXT or _SECRET_TEXT.search(found):
            raise ValueError
        return found
    if isinstance(found, bool):
        return found
    if isinstance(found, int | float):
        # Infinity is no JSON, and large numbers are not the same in every database.
        return {type(found).__name__: str(found)}
    for kind, encode in _ENCODERS:
        if isinstance(found, kind):
            return {kind.__name__: encode(found)}
    raise ValueError


def _listed(elements: tuple[object, ...]) -> list[Json]:
    if len(elements) > MAX_ELEMENTS:
        raise ValueError
    return [_encoded(element) for element in elements]


def decoded(value: Json) -> Any:
    """What `value` was before it was kept. Raises ValueError for what was not kept by us."""
    if isinstance(value, list):
        return [decoded(element) for element in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    ((kind, text),) = cast(dict[str, Any], value).items()
    return _DECODERS[kind](text)


_ENCODERS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (Decimal, str),
    (UUID, str),
)
_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "permissions": Permissions,
    "int": int,
    "float": float,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
}
