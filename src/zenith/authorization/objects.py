"""Declarations that a policy decides, on the action alone or on the object that a loader gives."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from anyio import from_thread
from starlette.requests import HTTPConnection

from zenith.authorization.access import Access, Further, refusal_of
from zenith.authorization.authorize import context_of, decide
from zenith.authorization.authorizer import Authorizer
from zenith.authorization.errors import ConcealedError
from zenith.authorization.requirements import Requirement
from zenith.kernel.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    SecurityError,
)
from zenith.pipeline.enforced import DEPENDENCY_SIGNATURE, SIGNATURE, is_application
from zenith.pipeline.exchange import Exchange, exchange_of, running_exchange

ITERATORS: Final = (AsyncGenerator, AsyncIterator, Generator, Iterator)
UNKNOWN: Final = object()
Loader = Callable[..., Any]


class ObjectAccess(Access):
    """An access that a policy decides for each request.

    `loader` gives the object; without it the action alone is decided. `before` is asked of the
    principal first, so that who may do it on nothing costs no query. `arm` makes sure that the
    decision comes before the body. `read_action` says who may know that there is such an object:
    all others are told that there is none.
    """

    __slots__ = (
        "_arm",
        "_before",
        "_into",
        "action",
        "authorizer",
        "dependency",
        "loader",
        "read_action",
        "reveals_existence",
    )

    def __init__(
        self,
        requirement: Requirement,
        *,
        authorizer: Authorizer,
        action: str,
        loader: Loader | None = None,
        into: str | None = None,
        read_action: str | None = None,
        reveals_existence: bool = False,
        before: Access | None = None,
        arm: Callable[[Exchange], None],
        depends: Callable[[Any], Any],
    ) -> None:
        signature = DEPENDENCY_SIGNATURE
        if loader is not None:
            signature = signature.replace(
                parameters=[
                    *signature.parameters.values(),
                    inspect.Parameter(
                        "resource",
                        inspect.Parameter.KEYWORD_ONLY,
                        annotation=Annotated[Any, depends(loader)],
                    ),
                ]
            )
        super().__init__(requirement, signature=signature)
        self.authorizer: Final = authorizer
        self.action: Final = action
        self.loader: Final = loader
        self.read_action: Final = read_action
        self.reveals_existence: Final = reveals_existence
        self.dependency: Final = depends(self)
        self._into: Final = into
        self._before: Final = before
        self._arm: Final = arm

    def bind(self, target: Any) -> ObjectAccess:
        """Itself; ConfigurationError for what cannot be handed an object."""
        if self.loader is not None and (inspect.isclass(target) or is_application(target)):
            raise ConfigurationError(
                f"{self!r} loads what it decides on, which only a route of FastAPI can hand over",
                fix="put it on an endpoint function, or leave `resource` out",
            )
        return self

    async def as_dependency(self, connection: HTTPConnection, resource: Any = None) -> Any:
        """What the dependency gives: the object, or the principal where none is loaded."""
        exchange = exchange_of(connection.scope)
        try:
            self.ask_before(exchange)
            await self.admit(exchange, resource)
        except SecurityError as error:
            insist(exchange, connection, error)
            raise
        return exchange.principal if self.loader is None else resource

    def ask(self, exchange: Exchange) -> Further | None:
        """Ask what can be asked before the object is known; see to it that the rest follows."""
        self.ask_before(exchange)
        if self.loader is None:
            return lambda: self.admit(exchange, None)
        self._arm(exchange)
        return None

    def ask_before(self, exchange: Exchange) -> None:
        """Refuse who may do the action on no object at all."""
        if self._before is not None:
            self._before.ask(exchange)

    async def admit(self, exchange: Exchange, resource: Any) -> None:
        """Raise a SecurityError unless the policy allows it, on `resource` where one is loaded."""
        if self.is_admitted(exchange, resource):
            return
        if resource is None and self.loader is not None:
            raise self._concealed(exchange, "no such object")
        context, principal = context_of(exchange), exchange.principal
        decision = await decide(self.authorizer, principal, self.action, resource, context)
        if decision.denied:
            if self.loader is None or await self._may_know(exchange, resource):
                raise refusal_of(exchange, decision)
            raise self._concealed(exchange, decision.reason or "denied")
        exchange.state[self] = (principal, resource)

    def is_admitted(self, exchange: Exchange, resource: Any) -> bool:
        """Whether this very object was decided on for this very principal."""
        principal, decided = exchange.state.get(self, (None, UNKNOWN))
        return decided is resource and principal == exchange.principal

    async def _may_know(self, exchange: Exchange, resource: Any) -> bool:
        if self.reveals_existence:
            return True
        if self.read_action is None or self.read_action == self.action:
            return False
        context, principal = context_of(exchange), exchange.principal
        decision = await decide(self.authorizer, principal, self.read_action, resource, context)
        return decision.allowed

    def _concealed(self, exchange: Exchange, why: str) -> SecurityError:
        reason = f"{self.requirement.describe()}: {why}"
        if not exchange.principal.is_authenticated:
            # Whether it is missing or kept from strangers: sign in, then ask again.
            return exchange.failure or AuthenticationError(reason=reason)
        return ConcealedError(reason=reason)

    def wrap(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """An endpoint that asks before it runs; the object comes by dependency, and is handed on
        where the endpoint has a parameter for it.
        """
        if self.loader is None:
            return _before_each_call(self, target, None, is_handed_on=False)
        signature = _signature_of(target)
        name = self._parameter_in(signature)
        hidden = name or _unused_name(signature)
        wrapper = _before_each_call(self, target, hidden, is_handed_on=name is not None)
        setattr(wrapper, SIGNATURE, self._extended(signature, hidden))
        return wrapper

    def _extended(self, signature: inspect.Signature, name: str) -> inspect.Signature:
        kept = [each for each in signature.parameters.values() if each.name != name]
        rest = [each for each in kept if each.kind is inspect.Parameter.VAR_KEYWORD]
        own = inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Any, self.dependency]
        )
        first = [each for each in kept if each not in rest]
        return signature.replace(parameters=[*first, own, *rest])

    def _parameter_in(self, signature: inspect.Signature) -> str | None:
        """The parameter of an endpoint that takes the object, or None where it wants none."""
        if self._into is not None:
            if self._into not in signature.parameters:
                raise ConfigurationError(
                    f"{self!r} hands its object to `{self._into}`, which the endpoint lacks",
                    fix=f"add that parameter, or name another one: into={self._into!r}",
                )
            return self._into
        kind = _loaded_type(self.loader)
        if kind is inspect.Parameter.empty:
            raise ConfigurationError(
                f"{self!r} cannot tell which parameter takes the object",
                fix="annotate what the loader returns, or name the parameter: into='document'",
            )
        names = [
            each.name
            for each in signature.parameters.values()
            if _without_none(each.annotation) == kind
        ]
        if len(names) > 1:
            raise ConfigurationError(
                f"{self!r} finds several parameters for its object: {', '.join(names)}",
                fix=f"name the right one: into={names[0]!r}",
            )
        return names[0] if names else None


def insist(exchange: Exchange, connection: HTTPConnection, error: Exception) -> None:
    """Refuse from outside where a mounted application would make a server error of a refusal."""
    app = connection.scope.get("app")
    handlers: Mapping[Any, Any] = getattr(app, "exception_handlers", {})
    if isinstance(error, SecurityError) and SecurityError not in handlers:
        exchange.refusal = error


def _before_each_call(
    access: ObjectAccess, target: Callable[..., Any], name: str | None, *, is_handed_on: bool
) -> Callable[..., Any]:
    def object_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name is None:
            return None
        if is_handed_on and name not in kwargs:
            found = inspect.signature(target).bind_partial(*args).arguments.get(name, UNKNOWN)
        else:
            found = kwargs.get(name, UNKNOWN) if is_handed_on else kwargs.pop(name, UNKNOWN)
        if found is UNKNOWN:
            raise ConfigurationError(
                f"{access!r} was called without the object that it decides on",
                fix="use it on routes of FastAPI, or ask authorize() in the code",
            )
        return found

    if inspect.iscoroutinefunction(target):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            exchange = running_exchange()
            found = object_in(args, kwargs)
            access.ask_before(exchange)
            await access.admit(exchange, found)
            return await target(*args, **kwargs)

        return coroutine

    def function(*args: Any, **kwargs: Any) -> Any:
        exchange = running_exchange()
        found = object_in(args, kwargs)
        access.ask_before(exchange)
        if not access.is_admitted(exchange, found):
            _admit_from_thread(access, exchange, found)
        return target(*args, **kwargs)

    return function


def _admit_from_thread(access: ObjectAccess, exchange: Exchange, found: Any) -> None:
    try:
        from_thread.run(access.admit, exchange, found)
    except RuntimeError as error:
        # Called in the event loop itself, where nothing can be waited for.
        reason = f"{access!r} was not decided before a plain function was called"
        raise PermissionDeniedError(reason=reason) from error


def _signature_of(target: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(target, eval_str=True)
    except NameError:
        return inspect.signature(target)


def _unused_name(signature: inspect.Signature) -> str:
    number = 0
    while f"object_{number}" in signature.parameters:
        number += 1
    return f"object_{number}"


def _loaded_type(loader: Any) -> Any:
    kind = _signature_of(loader).return_annotation
    if inspect.isclass(loader):
        return loader
    if get_origin(kind) in ITERATORS:
        kind = get_args(kind)[0]
    return _without_none(kind)


def _without_none(annotation: Any) -> Any:
    """What a type is where there is something: `Document` of `Document | None`."""
    if isinstance(annotation, str):
        return annotation.removesuffix("| None").strip()
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kept = [each for each in get_args(annotation) if each is not NoneType]
    return kept[0] if len(kept) == 1 else annotation
