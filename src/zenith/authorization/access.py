"""Access declarations: `public`, `authenticated` and those that begin with `require_`.

Each works as a decorator on an endpoint, around an ASGI application, and as a dependency. A
declaration is a mark, so that the pipeline can decide before the body is read, and it enforces
itself when the endpoint is called, so that nothing depends on who routes the request.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar, overload

from starlette.requests import HTTPConnection

from zenith.authorization.confirmation import factor_refusal
from zenith.authorization.decision import Decision
from zenith.authorization.requirements import (
    STEP_UP,
    Anyone,
    HasFactor,
    HasPermission,
    HasRole,
    HasScope,
    Requirement,
    SignedIn,
)
from zenith.kernel.errors import AuthenticationError, PermissionDeniedError, SecurityError
from zenith.pipeline.enforced import DEPENDENCY_SIGNATURE, EnforcedMark, enforce_before
from zenith.pipeline.exchange import Exchange, exchange_of, running_exchange
from zenith.pipeline.marks import Mark, add_mark, declare_enforced

T = TypeVar("T")
Further: TypeAlias = Callable[[], Awaitable[None]]


class Access(EnforcedMark):
    """A requirement that can be declared on a route.

    Threat: a handler that anyone may call because one check was forgotten or was attached where
    nothing runs it (ASVS 8.2.1, 8.3.1).
    """

    __slots__ = ("requirement",)

    def __init__(
        self, requirement: Requirement, *, signature: inspect.Signature = DEPENDENCY_SIGNATURE
    ) -> None:
        super().__init__(signature)
        self.requirement: Final = requirement

    @overload
    def __call__(self, target: T, /) -> T: ...
    @overload
    def __call__(
        self, *, connection: HTTPConnection, resource: Any = None
    ) -> Coroutine[Any, Any, Any]: ...
    @overload
    def __call__(self) -> Access: ...
    def __call__(self, *target: Any, **solved: Any) -> Any:
        """Decorate an endpoint or wrap an application; FastAPI calls it as a dependency."""
        if solved:
            return self.as_dependency(**solved)
        return enforce_before(target[0], self.bind(target[0])) if target else self

    async def as_dependency(self, connection: HTTPConnection, resource: Any = None) -> Any:
        """What the dependency gives: the principal, who is admitted."""
        del resource
        exchange = exchange_of(connection.scope)
        self.ask(exchange)
        return exchange.principal

    # FastAPI unwraps callables to learn whether to await them; without this it would spend a
    # thread on every check.
    __call__.__wrapped__ = as_dependency  # type: ignore[attr-defined]

    def ask(self, exchange: Exchange) -> Further | None:
        """Raise a SecurityError unless the principal is admitted. What is left to ask, if that
        takes waiting, is returned.
        """
        if self.is_settled(exchange):
            return None  # the guard has asked, and the endpoint's own declaration asks again
        principal = exchange.principal
        decision = self.requirement.decide(principal)
        if not decision.allowed:
            raise refusal_of(exchange, decision)
        exchange.admitted = (self, principal)
        return None

    def is_settled(self, exchange: Exchange) -> bool:
        """Whether this very declaration has admitted this very principal."""
        admitted = exchange.admitted
        return admitted is not None and admitted[0] is self and admitted[1] is exchange.principal

    async def enforce(self, exchange: Exchange) -> None:
        """Raise a SecurityError unless the principal is admitted, with all that there is to ask."""
        further = self.ask(exchange)
        if further is not None:
            await further()

    def wrap(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """An endpoint of the same kind that asks before it runs."""
        return _wrapper(target, self)

    def __repr__(self) -> str:
        return f"<access: {self.requirement.describe()}>"


def refusal_of(exchange: Exchange, decision: Decision) -> SecurityError:
    """What a caller is told who was denied."""
    reason = decision.reason
    if not exchange.principal.is_authenticated:
        # A credential that came along and did not hold says more than "authentication required".
        return exchange.failure or AuthenticationError(reason=reason)
    if decision.factors:
        return factor_refusal(exchange, decision.factors, max_age=decision.max_age, reason=reason)
    return PermissionDeniedError(decision.detail, reason=reason)


public: Final = Access(Anyone())
"""Open to everybody: `@public`. The only way to say so; saying nothing refuses the start."""

authenticated: Final = Access(SignedIn())
"""Any signed-in caller: `@authenticated` or `Depends(authenticated)`."""


def require_everywhere(permission: str) -> Access:
    """Callers who hold `permission` outside of tenants: for what all of them share, such as the
    list of accounts.

    Threat: the administrator of one tenant who reads of the others (ASVS 8.4.1). Such a route is
    about no tenant, whichever the request names. Raises ConfigurationError for text that is no
    permission.
    """
    return Access(HasPermission(permission, everywhere=True))


def require_role(role: str) -> Access:
    """Callers who hold `role` or one above it. Raises ConfigurationError for an empty name."""
    return Access(HasRole(str(role)))


def require_scope(scope: str) -> Access:
    """Credentials issued with `scope`. Raises ConfigurationError for an empty name."""
    return Access(HasScope(scope))


def require_factor(*factors: str, within: float = STEP_UP) -> Access:
    """Callers who proved one of `factors` (`password`, `passkey`, ...) at most `within` seconds
    ago: before what cannot be undone, a session that was left open is not enough (ASVS 7.5.3).

    Browsers are led through the proof and back; programs are refused with 401 and a challenge
    (RFC 9470). Raises ConfigurationError for no factor, or for a time that is none.
    """
    return Access(HasFactor(factors, within))


def _wrapper(target: Callable[..., Any], access: Access) -> Callable[..., Any]:
    """The endpoint's kind decides how frameworks call it, so a coroutine function stays one.

    Generators are recognised behind the wrapper; a generator of its own would refuse only once it
    is iterated, when the response has already begun.
    """
    if inspect.iscoroutinefunction(target):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            access.ask(running_exchange())
            return await target(*args, **kwargs)

        return coroutine

    def function(*args: Any, **kwargs: Any) -> Any:
        access.ask(running_exchange())
        return target(*args, **kwargs)

    return function


def accesses(marks: tuple[Mark, ...]) -> tuple[Access, ...]:
    """The access declarations among `marks`."""
    return tuple(mark for mark in marks if isinstance(mark, Access))


def is_about_all(mark: Mark) -> bool:
    """Whether a route with this mark is about no tenant: its requirement says `everywhere`, as
    that of `require_everywhere` does.
    """
    return isinstance(mark, Access) and getattr(mark.requirement, "everywhere", False) is True


def mark_access(target: T, access: Access) -> T:
    """Say that `target`, a dependency, itself admits only whom `access` admits."""
    return declare_enforced(add_mark(target, access), access)
