"""Decisions on one object: from declarations, and from plain code by `authorize()`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from zenith.authorization.authorizer import Authorizer
from zenith.authorization.decision import ALLOW, Decision
from zenith.authorization.ownership import OWNER, Ownership
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError, PermissionDeniedError, SecurityError
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.principal import Principal
from zenith.pipeline.exchange import Exchange, current_exchange

_log: Final = logging.getLogger("zenith")
NO_CONTEXT: Final[Mapping[str, Any]] = MappingProxyType({})


class AllOf:
    """Several authorizers as one: a denial by any of them denies.

    Raises ConfigurationError for none: nobody would ever be asked.
    """

    def __init__(self, *authorizers: Authorizer) -> None:
        if not authorizers:
            raise ConfigurationError(
                "an empty list of policies would allow everything", fix="name one policy or more"
            )
        self._authorizers: Final = authorizers

    @property
    def name(self) -> str:
        """The names of all, for reasons and for the table of routes."""
        return " and ".join(map(name_of, self._authorizers))

    @property
    def by_marks(self) -> bool:
        """Whether one of them masks what is marked as sensitive."""
        return any(getattr(each, "by_marks", False) for each in self._authorizers)

    async def refresh(self) -> None:
        """Have each of them look whether something has changed."""
        for authorizer in self._authorizers:
            await refreshed(authorizer)

    async def authorize(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Decision:
        """Deny as the first does that denies."""
        for authorizer in self._authorizers:
            decision = await decide(authorizer, principal, action, resource, context)
            if decision.denied:
                return decision
        return ALLOW

    def where(
        self, subject: Principal, action: str, model: Any, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Rows that every one of them allows."""
        first, *others = (
            capable(each, "where").where(subject, action, model, context)
            for each in self._authorizers
        )
        for other in others:
            first = first & other
        return first

    def mask(
        self,
        subject: Principal,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Fields that every one of them shows."""
        first, *others = (
            capable(each, "mask").mask(subject, objects, action, context)
            for each in self._authorizers
        )
        for other in others:
            first = [
                {name: value for name, value in shown.items() if name in also}
                for shown, also in zip(first, other, strict=True)
            ]
        return list(first)


def combined(policy: Authorizer | Sequence[Authorizer]) -> Authorizer:
    """One authorizer for what may be a list of them; a denial by any denies."""
    return AllOf(*policy) if isinstance(policy, Sequence) else capable(policy, "authorize")


def capable(policy: Any, method: str) -> Any:
    """`policy`, which has `method`; raises ConfigurationError where it has not."""
    if not callable(getattr(policy, method, None)):
        raise ConfigurationError(
            f"{type(policy).__name__} has no {method}()",
            fix="hand over a Policy, or an object with that method (zenith.authorization)",
        )
    return policy


def name_of(policy: Any) -> str:
    """How reasons and the table of routes call a policy."""
    return str(getattr(policy, "name", None) or type(policy).__name__)


async def refreshed(policy: Any) -> None:
    """Before `where` and `mask`, which cannot wait: have a policy that can change (`Refreshing`)
    look whether it has. Raises what it raises: then nothing is decided.
    """
    refresh = getattr(policy, "refresh", None)
    if refresh is not None:
        await refresh()


async def decide(
    policy: Authorizer,
    principal: Principal,
    action: str,
    resource: Any,
    context: Mapping[str, Any],
) -> Decision:
    """What `policy` says. One that breaks, or answers with anything but a decision, denies.

    A SecurityError of the policy, such as "unavailable", is passed on: it refuses as well.
    """
    try:
        return _checked(await policy.authorize(principal, action, resource, context), policy)
    except SecurityError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, nobody has allowed anything
        _log.exception("policy %s failed and denied %s", name_of(policy), action)
        return Decision(allowed=False, reason=f"{name_of(policy)} failed: {type(error).__name__}")


def _checked(answer: object, policy: Authorizer) -> Decision:
    if isinstance(answer, Decision) and type(answer.allowed) is bool:
        return answer
    kind = type(answer).__name__
    return Decision(allowed=False, reason=f"{name_of(policy)} answered {kind}, no decision")


async def authorize(
    principal: Principal,
    action: str,
    resource: Any = None,
    *,
    policy: Authorizer | Sequence[Authorizer] | None = None,
    context: Mapping[str, Any] | None = None,
    owner: str = OWNER,
    events: EventSink | None = None,
) -> None:
    """Return if `principal` may do `action` on `resource`; else raise PermissionDeniedError.

    For handlers, background tasks and code outside of requests alike. Threat: a task that runs
    after its request and asks who calls now (ASVS 8.3.1): everything it decides on is an argument,
    and nothing is taken from the running request. Of several policies a denial by any denies.
    Without one, `action` is a permission such as `posts:write`, which its `:own` form satisfies on
    a resource whose attribute `owner` holds the principal's subject id.

    `detail` of the error may be shown to clients, `reason` is the whole truth. A refusal that
    leaves a running request is recorded there; one that comes later, or outside of requests, is
    recorded in `events`, or in the log of the application whose request it was.
    """
    authorizer = Ownership(action, owner=owner) if policy is None else combined(policy)
    decision = await decide(authorizer, principal, action, resource, context or NO_CONTEXT)
    if decision.allowed:
        return
    reason = decision.reason or f"{principal.kind} {principal.subject or '-'} may not {action}"
    sink = events or _sink_of_later()
    if sink is not None:
        sink.note(_denial(principal, action, reason))
    raise PermissionDeniedError(decision.detail, reason=reason)


def _denial(principal: Principal, action: str, reason: str) -> Event:
    return Event(
        type=EventType.PERMISSION_DENIED,
        outcome="denied",
        at=wall_clock(),
        subject=principal.subject or None,
        target=action,
        session_id=principal.session_id,
        scheme=principal.scheme,
        reason=reason,
        severity="WARNING",
    )


def _sink_of_later() -> EventSink | None:
    """Where a refusal goes that the pipeline no longer sees: its response has begun."""
    exchange = current_exchange.get(None)
    if exchange is None or not exchange.started:
        return None
    sink: EventSink | None = exchange.services.get(EventSink)
    return sink


def context_of(exchange: Exchange) -> dict[str, Any]:
    """What a declaration tells its policy of the request, as `context.` attributes."""
    return {
        "ip": exchange.client,
        "method": exchange.method,
        "path": exchange.path,
        "route": exchange.route,
        "secure": exchange.secure,
        "time": datetime.fromtimestamp(wall_clock(), UTC),
    }
