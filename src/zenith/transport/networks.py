"""Which networks may call: the lists of the application, and those of one route."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast, overload

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import Network, parse_address, parse_networks
from zenith.pipeline import (
    ASGIApp,
    Exchange,
    Mark,
    Receive,
    Scope,
    Send,
    add_mark,
    declare_enforced,
    enforced_marks,
    exchange_of,
    marks_of,
    running_exchange,
)
from zenith.transport.errors import NetworkRefusedError

T = TypeVar("T")
Verdict: TypeAlias = Literal["allow", "deny"]
MAX_REMEMBERED: Final = 1024
DEPENDENCY_SIGNATURE: Final = inspect.Signature(
    [
        inspect.Parameter(
            "connection", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=HTTPConnection
        )
    ]
)


class NetworkList:
    """One list of networks, and what it says of an address.

    An address that is none, such as that of a connection without one (a Unix socket), is in no list
    and may be in any, so it is refused by both kinds.
    """

    __slots__ = ("_allows", "_networks", "_remembered")

    def __init__(self, networks: Iterable[str], verdict: Verdict, *, setting: str) -> None:
        self._networks: Final = parse_networks(networks, setting=setting)
        self._allows: Final = verdict == "allow"
        self._remembered: Final[dict[str, bool]] = {}

    @property
    def networks(self) -> tuple[Network, ...]:
        """What it names."""
        return self._networks

    def admits(self, client: str) -> bool:
        """Whether a client at this address may call, as far as this list is concerned."""
        known = self._remembered.get(client)
        if known is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[client] = self._decide(client)
        return known

    def _decide(self, client: str) -> bool:
        # Mapped addresses (::ffff:10.0.0.1) come out as what they are.
        address = parse_address(client)
        if address is None:
            return False
        return any(address in network for network in self._networks) is self._allows


class NetworkMark(Mark):
    """A list of networks that is declared on a route, and that the route enforces itself too."""

    __slots__ = ("__signature__", "__zenith_marks__", "_name", "_verdict", "rules")

    def __init__(self, networks: Iterable[str], verdict: Verdict) -> None:
        self._verdict: Final = verdict
        self._name: Final = f"{verdict}_networks"
        self.rules: Final = NetworkList(networks, verdict, setting=f"{self._name}()")
        if not self.rules.networks:
            raise ConfigurationError(
                f"{self._name}() names no network", fix=f'name some: @{self._name}("10.0.0.0/8")'
            )
        self.__signature__: Final = DEPENDENCY_SIGNATURE
        self.__zenith_marks__: Final[tuple[Mark, ...]] = (self,)

    def enforce(self, exchange: Exchange) -> None:
        """Raise NetworkRefusedError for a client that the list does not admit."""
        refuse_outside((self.rules,), exchange.client)

    @overload
    def __call__(self, target: T, /) -> T: ...
    @overload
    def __call__(self, *, connection: HTTPConnection) -> Coroutine[Any, Any, None]: ...
    def __call__(self, *target: Any, **connection: HTTPConnection) -> Any:
        """Decorate an endpoint or wrap an application; FastAPI calls it as a dependency."""
        return _declare(target[0], self) if target else self._as_dependency(**connection)

    async def _as_dependency(self, connection: HTTPConnection) -> None:
        self.enforce(exchange_of(connection.scope))

    # FastAPI unwraps callables to learn whether to await them.
    __call__.__wrapped__ = _as_dependency  # type: ignore[attr-defined]

    def note(self) -> str:
        """Shown beside who may call."""
        only = "only from" if self._verdict == "allow" else "not from"
        return f"{only} " + ", ".join(map(str, self.rules.networks))

    def __repr__(self) -> str:
        return f"<{self._name}: " + ", ".join(map(str, self.rules.networks)) + ">"


def allow_networks(*networks: str) -> NetworkMark:
    """Only clients in these networks may call: `@allow_networks("10.0.0.0/8", "fd00::/8")`.

    Threat: an endpoint for one's own machines that the whole internet can try (ASVS 8.2.4). Works
    below the route's decorator, around an ASGI application and as `Depends(allow_networks(...))`,
    on a router too; for sockets as for requests. Decided before the body is read, by the address
    that trusted proxies vouch for. Several lists narrow each other, and those of the settings hold
    as well. It says nothing of who calls: a network is no credential. Raises ConfigurationError for
    what is no network.
    """
    return NetworkMark(networks, "allow")


def deny_networks(*networks: str) -> NetworkMark:
    """Clients in these networks may not call: `@deny_networks("192.0.2.0/24")`. As
    `allow_networks`; where both speak of an address, it is refused.
    """
    return NetworkMark(networks, "deny")


def refuse_outside(lists: Iterable[NetworkList], client: str) -> None:
    """Raise NetworkRefusedError unless every list admits the client."""
    for each in lists:
        if not each.admits(client):
            raise NetworkRefusedError(reason=f"{client} is not in the networks that may call")


def _declare(target: Any, mark: NetworkMark) -> Any:
    if inspect.isclass(target):
        dispatch = getattr(target, "dispatch", None)
        if dispatch is None:
            raise ConfigurationError(
                f"{mark!r} was put on class {target.__name__}, which has no dispatch()",
                fix="put it on an endpoint function, or on a Starlette endpoint class",
            )
        setattr(target, "dispatch", _wrapped(dispatch, mark))  # noqa: B010
        return declare_enforced(add_mark(target, mark), mark)
    if not callable(target):
        raise ConfigurationError(
            f"{mark!r} was put on {type(target).__name__}, which cannot be called",
            fix="put it on an endpoint function, or around an ASGI application",
        )
    if inspect.isroutine(target) or isinstance(target, functools.partial):
        return _wrapped(cast("Callable[..., Any]", target), mark)
    return NetworkedApplication(cast(ASGIApp, target), mark)


def _wrapped(target: Callable[..., Any], mark: NetworkMark) -> Any:
    """The endpoint's kind decides how frameworks call it, so a coroutine function stays one."""
    if inspect.iscoroutinefunction(target):

        @functools.wraps(target)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            mark.enforce(running_exchange())
            return await target(*args, **kwargs)

        return declare_enforced(add_mark(coroutine, mark), mark)

    @functools.wraps(target)
    def function(*args: Any, **kwargs: Any) -> Any:
        mark.enforce(running_exchange())
        return target(*args, **kwargs)

    return declare_enforced(add_mark(function, mark), mark)


class NetworkedApplication:
    """An ASGI application that only some networks reach: for mounts and bare callables."""

    def __init__(self, app: ASGIApp, mark: NetworkMark) -> None:
        self.app: Final = app
        self._mark: Final = mark
        for declared in (*marks_of(app), mark):
            add_mark(self, declared)
        for declared in (*enforced_marks(app), mark):
            declare_enforced(self, declared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self._mark.enforce(exchange_of(scope))
        await self.app(scope, receive, send)
