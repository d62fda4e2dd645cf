"""Decisions before the body is read: on FastAPI's routes, whichever class they are of.

FastAPI reads a body before it solves dependencies. So what an object access loads is solved by
itself, with what it depends on, when the body is first asked for, and FastAPI is given the same
values when its turn comes: one session, one object, loaded once.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final, cast

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import SolvedDependency, solve_dependencies
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from zenith.authorization.access import Access, accesses
from zenith.authorization.objects import ObjectAccess, insist
from zenith.kernel.errors import NotFoundError
from zenith.pipeline.direct import FUNCTION, REQUEST
from zenith.pipeline.enforced import SIGNATURE
from zenith.pipeline.exchange import Exchange, Message, Receive, Scope, exchange_of
from zenith.pipeline.marks import add_mark, declare_enforced, enforced_marks, marks_of

PLAN: Final = "__zenith_plan__"
UNKNOWN: Final = object()
NOT_FOUND: Final = 404
EMPTY: Final[Message] = {"type": "http.request", "body": b"", "more_body": False}
CONNECTION: Final = "zenith_connection"
LOADED: Final = "loaded"
SIGNED: Final = inspect.Signature()
CALLER: Final = inspect.Parameter(
    CONNECTION, inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection
)


class SecuredRoute(APIRoute):
    """`APIRouter(route_class=SecuredRoute)`: declarations are enforced before FastAPI parses.

    Threat: an application that spends parsing, memory and disk on the body of a caller whom it is
    going to refuse (ASVS 8.2.1, 2.4.1). Works on a plain FastAPI application behind
    `SecurityMiddleware`, whose guard need not know the route.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the declarations of the endpoint and its own dependencies."""
        handler = super().get_route_handler()
        declared: tuple[Access, ...] = accesses(marks_of(self.endpoint))
        for dependency in self.dependencies:
            declared += accesses(marks_of(dependency.dependency))

        async def secured(request: Request) -> Response:
            exchange = exchange_of(request.scope)
            for access in declared:
                await access.enforce(exchange)
            plan = plan_at(request.scope)
            if plan is not None:
                await plan.settle(request)
            return await handler(request)

        return secured


class ObjectPlan:
    """What one route loads and decides, in the order of its declarations, once per request."""

    __slots__ = ("_decisions",)

    def __init__(self, decisions: Sequence[tuple[ObjectAccess, Dependant]]) -> None:
        self._decisions: Final = tuple(decisions)

    async def settle(self, connection: HTTPConnection) -> Progress:
        """Load and decide, unless that is done; raise as often as it is asked, if it failed."""
        exchange = exchange_of(connection.scope)
        progress: Progress | None = exchange.state.get(self)
        if progress is None or progress.scope is not connection.scope:
            progress = exchange.state[self] = Progress(connection.scope)
            try:
                for access, loading in self._decisions:
                    access.ask_before(exchange)
                    found = await _load(loading, connection, progress)
                    await access.admit(exchange, found)
                    progress.objects[access] = found
            except Exception as error:
                progress.failure = error
                insist(exchange, connection, error)
                raise
        if progress.failure is not None:
            raise progress.failure
        return progress

    async def settles(self, exchange: Exchange, receive: Receive) -> bool:
        """Whether the body may be read. A failure is kept for FastAPI to meet."""
        known: Progress | None = exchange.state.get(self)
        if known is not None and known.scope is exchange.scope:
            return known.failure is None
        try:
            await self.settle(Request(exchange.scope, receive))
        except Exception:  # noqa: BLE001  it is raised again, where FastAPI does not take it for a bad body
            return False
        return True


class Progress:
    """How far a plan has come in one request."""

    __slots__ = ("failure", "objects", "scope", "values")

    def __init__(self, scope: Scope) -> None:
        self.scope: Final = scope
        self.objects: Final[dict[ObjectAccess, Any]] = {}
        self.values: Final[dict[Any, Any]] = {}
        """FastAPI's own cache of what dependencies gave."""
        self.failure: Exception | None = None


async def _load(loading: Dependant, connection: HTTPConnection, progress: Progress) -> Any:
    """What the loader gives; None where it says that there is none, in whatever way."""
    try:
        return await _solve(loading, connection, progress)
    except HTTPException as error:
        if error.status_code != NOT_FOUND:
            raise
    except (NotFoundError, LookupError):
        pass
    return None


async def _solve(loading: Dependant, connection: HTTPConnection, progress: Progress) -> Any:
    scope = connection.scope
    solved: SolvedDependency = await solve_dependencies(
        request=cast("Request | WebSocket", connection),
        dependant=loading,
        dependency_overrides_provider=getattr(
            route_in(scope), "dependency_overrides_provider", None
        ),
        dependency_cache=progress.values,
        async_exit_stack=cast(AsyncExitStack, scope[REQUEST]),
        embed_body_fields=False,
    )
    if solved.errors:
        if scope["type"] == "websocket":
            raise WebSocketRequestValidationError(solved.errors)
        raise RequestValidationError(solved.errors)
    return solved.values[LOADED]


def arm(exchange: Exchange) -> None:
    """Let nobody but a loader read the body before the route's objects are decided on.

    What reads it before the route is known, such as a middleware of the application, reads it.
    """
    receive = exchange.receive
    read: list[Message] = []

    async def by_loader() -> Message:
        read.append(await receive())
        return read[-1]

    async def gated() -> Message:
        plan = plan_at(exchange.scope) if FUNCTION in exchange.scope else None
        if plan is not None and not await plan.settles(exchange, by_loader):
            return EMPTY
        return read.pop(0) if read else await receive()

    exchange.receive = gated


def plan_at(scope: Scope) -> ObjectPlan | None:
    """The plan of the route that serves `scope`, if it loads anything to decide on."""
    route = route_in(scope)
    found: Any = getattr(route, PLAN, UNKNOWN)
    if found is UNKNOWN:
        found = plan_of(getattr(route, "dependant", None))
        if route is not None:
            setattr(route, PLAN, found)
    return cast("ObjectPlan | None", found)


def route_in(scope: Scope) -> Any:
    """The route, or what FastAPI makes of it where its router is included in another."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    is_of_route = included is not None and included.original_route is route
    return included if is_of_route else route


def plan_of(root: Any) -> ObjectPlan | None:
    """Prepare the dependencies of a route: what object accesses need is solved before the others.

    Loaders that need the body are left to FastAPI: they are decided on once it is read.
    """
    if not isinstance(root, Dependant):
        return None
    nodes = [node for node in tree_of(root) if node is not root]
    known = next((plan for node in nodes if (plan := getattr(node.call, PLAN, None))), None)
    if known is not None:
        return cast(ObjectPlan, known)
    deciding = [node for node in nodes if is_loaded_early(node)]
    if not deciding:
        return None
    decisions = {id(node.call): (node.call, _loading_of(node)) for node in reversed(deciding)}
    plan = ObjectPlan(cast("Any", tuple(reversed(decisions.values()))))
    inside = [each for node in deciding for each in tree_of(node) if each is not node]
    calls = {each.call for each in inside}
    shared = [node for node in nodes if node.call in calls and _may_be_shared(node)]
    for node in deciding:
        _replace_call(node, _handing_over(plan, cast(ObjectAccess, node.call)))
    own = {id(each) for each in inside}
    for node in shared:
        if id(node) not in own:
            _replace_call(node, _sharing(plan, _under_root(node)))
    for node in inside:
        _replace_call(node, _settling(plan))
    return plan


def tree_of(root: Dependant) -> Iterator[Dependant]:
    """`root` and all that it depends on."""
    yield root
    for each in root.dependencies:
        yield from tree_of(each)


def is_loaded_early(node: Dependant) -> bool:
    """Whether this is an object access whose loader needs no body."""
    call = node.call
    return (
        isinstance(call, ObjectAccess)
        and call.loader is not None
        and not any(each.body_params for each in tree_of(node))
    )


def _may_be_shared(node: Dependant) -> bool:
    return node.use_cache and not node.own_oauth_scopes and not node.parent_oauth_scopes


def _copy_of(node: Dependant) -> Dependant:
    return replace(node, dependencies=[_copy_of(each) for each in node.dependencies])


def _under_root(node: Dependant) -> Dependant:
    return Dependant(dependencies=[replace(_copy_of(node), name=LOADED)])


def _loading_of(node: Dependant) -> Dependant:
    """What solves the loader of an object access by itself."""
    return _under_root(node.dependencies[0])


Factory = Callable[[str, bool], Callable[..., Any]]


def _replace_call(node: Dependant, make: Factory) -> None:
    original = cast("Callable[..., Any]", node.call)
    if node.http_connection_param_name is None:
        node.http_connection_param_name = CONNECTION
    plain: Any = inspect.unwrap(original)
    is_generator = inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain)
    call = make(node.http_connection_param_name, is_generator)
    for mark in marks_of(original):
        add_mark(call, mark)
    for mark in enforced_marks(original):
        declare_enforced(call, mark)
    node.call = call


def _calling(
    plan: ObjectPlan, give: Callable[[HTTPConnection, Progress], Coroutine[Any, Any, Any]]
) -> Factory:
    """What stands for a dependency; it is a generator where the dependency is one, for FastAPI and
    the pipeline treat those otherwise.
    """

    def make(connection: str, is_generator: bool) -> Callable[..., Any]:
        async def value(**values: Any) -> Any:
            progress = await plan.settle(values[connection])
            return await give(values[connection], progress)

        async def generator(**values: Any) -> AsyncIterator[Any]:
            yield await value(**values)

        call: Callable[..., Any] = generator if is_generator else value
        setattr(call, PLAN, plan)
        # FastAPI looks at it anew where the application has replaced dependencies for the moment.
        setattr(call, SIGNATURE, SIGNED.replace(parameters=[CALLER.replace(name=connection)]))
        return call

    return make


def _handing_over(plan: ObjectPlan, access: ObjectAccess) -> Factory:
    async def give(connection: HTTPConnection, progress: Progress) -> Any:
        del connection
        return progress.objects[access]

    return _calling(plan, give)


def _sharing(plan: ObjectPlan, loading: Dependant) -> Factory:
    async def give(connection: HTTPConnection, progress: Progress) -> Any:
        return await _solve(loading, connection, progress)

    return _calling(plan, give)


def _settling(plan: ObjectPlan) -> Factory:
    async def give(connection: HTTPConnection, progress: Progress) -> None:
        del connection, progress

    return _calling(plan, give)
