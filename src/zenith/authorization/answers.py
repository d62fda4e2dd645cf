"""`masked`: what a route answers, without the fields that its caller may not see."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar, cast

from anyio import from_thread
from starlette.responses import Response

from zenith.authorization.authorize import AllOf, capable, context_of, name_of, refreshed
from zenith.authorization.authorizer import Masking
from zenith.authorization.masking import Exclusion, Mask, merged
from zenith.authorization.routes import route_in
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import with_inner
from zenith.kernel.sensitive_types import is_plain_record, models_in, sensitive_fields
from zenith.pipeline.enforced import add_to_both
from zenith.pipeline.exchange import running_exchange
from zenith.pipeline.marks import Mark, declare_enforced

T = TypeVar("T", bound=Callable[..., Any])
MASKS: Final = "__zenith_masks__"
MARKED: Final = "__zenith_marked__"


class Masked(Mark):
    """Says that what a route answers is masked; see `masked`."""

    __slots__ = ("_action", "_also", "_kinds", "_policy")

    def __init__(
        self, policy: Masking, kinds: tuple[type, ...], *, action: str, also: Collection[str]
    ) -> None:
        self._policy: Final = policy
        self._kinds: Final = kinds
        self._action: Final = action
        self._also: Final = frozenset(also)

    def __call__(self, target: T) -> T:
        """Decorate an endpoint, below the route's decorator."""
        kind: Any = inspect.signature(target).return_annotation
        if inspect.isclass(kind) and issubclass(kind, Response):
            raise ConfigurationError(
                f"masked() was put on {getattr(target, '__qualname__', target)!r}, whose answer is"
                " written by itself",
                fix="return the objects, and let the framework write them",
            )
        wrapper = self._wrapper(target)
        add_to_both(functools.update_wrapper(wrapper, target), target, self)
        declare_enforced(wrapper, self)
        return cast(T, wrapper)

    def mask(self) -> Mask:
        """For one result of the running request."""
        exchange = running_exchange()
        return Mask(
            self._policy,
            principal=exchange.principal,
            action=self._action,
            kinds=self._kinds,
            also=self._also,
            context=context_of(exchange),
        )

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"masked by {name_of(self._policy)}"

    def __repr__(self) -> str:
        return f"<{self.describe()}>"

    def _wrapper(self, target: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(target):

            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                result = await target(*args, **kwargs)
                await refreshed(self._policy)
                return self._leaving(result, target)

            return coroutine
        # As FastAPI looks: through other declarations that stand between.
        made = inspect.unwrap(target)
        if inspect.isgeneratorfunction(made) or inspect.isasyncgenfunction(made):

            def stream(*args: Any, **kwargs: Any) -> Any:
                return self._stream(target(*args, **kwargs), target)

            return stream

        def function(*args: Any, **kwargs: Any) -> Any:
            result = target(*args, **kwargs)
            self._refresh_in_thread()
            return self._leaving(result, target)

        return function

    def _leaving(self, result: Any, target: Callable[..., Any]) -> Any:
        """The result as it is, where the response model leaves out what is hidden; else JSON."""
        if isinstance(result, Response):
            raise ConfigurationError(
                "a masked route answered with a response of its own, which nothing can mask",
                fix="return the objects, and let the framework write them",
            )
        if isinstance(result, Iterator):
            result = list(cast("Iterator[object]", result))
        field = getattr(_own_route(target), "response_field", None)
        if field is None:
            return self.mask().plain(result)
        _teach(field, self)
        return result

    def _refresh_in_thread(self) -> None:
        """Endpoints that are no coroutines run in threads of the loop."""
        if hasattr(self._policy, "refresh"):
            from_thread.run(refreshed, self._policy)

    def _stream(self, items: Any, target: Callable[..., Any]) -> Any:
        route = _own_route(target)
        if not (getattr(route, "is_json_stream", False) or getattr(route, "is_sse_stream", False)):
            raise ConfigurationError(
                "a masked route streams what it has written itself, which nothing can mask",
                fix="yield objects, and leave response_class out or at EventSourceResponse",
            )
        field = getattr(route, "stream_item_field", None)
        if field is not None:
            _teach(field, self)
        give = functools.partial(self._item, is_described=field is not None)
        if inspect.isasyncgen(items):
            return self._each_async(items, give)
        return self._each(items, give)

    async def _each_async(
        self, items: AsyncIterator[Any], give: Callable[[Any], Any]
    ) -> AsyncIterator[Any]:
        async for item in items:
            await refreshed(self._policy)
            yield give(item)

    def _each(self, items: Iterator[Any], give: Callable[[Any], Any]) -> Iterator[Any]:
        for item in items:
            self._refresh_in_thread()
            yield give(item)

    def _item(self, item: Any, *, is_described: bool) -> Any:
        if not hasattr(item, "raw_data"):
            return item if is_described else self.mask().plain(item)
        if item.raw_data is not None:
            raise ConfigurationError(
                "an event of a masked route carries text of its own, which nothing can mask",
                fix="give it as data=..., or leave masked() out",
            )
        return item.model_copy(update={"data": self.mask().plain(item.data)})


def masked(
    policy: Masking | Sequence[Masking],
    *kinds: type,
    action: str = "read",
    also: Collection[str] = (),
) -> Masked:
    """Leave out of a route's answer what `policy` does not show the caller: `@masked(policy)`,
    below the route's decorator.

    Threat: an answer that carries more of an object than its reader may know (ASVS 8.2.3, 15.3.1).
    The policy is asked about each object that the endpoint returns, whatever the response model
    makes of it, in lists, in other objects and in streams: about those of `kinds`; without kinds
    about the result itself or each of its members. Fields are left out, never emptied; a hidden
    member of a list is left out whole. Computed fields and relations leave only if `also` names
    them. What cannot be masked is not sent: a response that the endpoint writes itself, or a result
    without any of `kinds`, is a server error. Of several policies each has to show a field.
    """
    policies = policy if isinstance(policy, Sequence) else [policy]
    for each in policies:
        capable(each, "mask")
    whole: Masking = AllOf(*cast("Any", policies)) if len(policies) > 1 else policies[0]
    return Masked(whole, kinds, action=action, also=also)


def _own_route(target: Callable[..., Any]) -> Any:
    """The route that is running, if `target` is what it calls: else nobody writes its result."""
    route = route_in(running_exchange().scope)
    endpoint = getattr(route, "endpoint", None)
    is_own = callable(endpoint) and inspect.unwrap(endpoint) is inspect.unwrap(target)
    return route if is_own else None


def _teach(field: Any, masked: Masked) -> None:
    """Let the field of a response model leave out what is hidden, wherever FastAPI writes it."""
    known: tuple[Masked, ...] = getattr(field, MASKS, ())
    if masked not in known:
        setattr(field, MASKS, (*known, masked))
        if not known:
            setattr(field, MARKED, _is_marked(field.field_info.annotation))
            field.__class__ = _masked_kind(cast("type[object]", type(field)))


def _is_marked(answer: Any) -> bool:
    """Whether its models tell which of its fields are sensitive. A typed dictionary does not: what
    fills it is a dictionary like any other.
    """
    models = models_in(answer)
    if any(is_plain_record(each) and sensitive_fields(each) for each in models):
        return False
    return any(map(sensitive_fields, with_inner(models)))


class _Leaving(NamedTuple):
    value: Any
    excluded: Exclusion


def _masked_kind(kind: Any) -> Any:
    def validate(self: Any, value: Any, *args: Any, **options: Any) -> tuple[Any, Any]:
        found, errors = kind.validate(self, value, *args, **options)
        if errors:
            return found, errors
        excluded: Exclusion = {}
        masks: tuple[Masked, ...] = getattr(self, MASKS)
        is_described: bool = getattr(self, MARKED)
        for masked in masks:
            ours = masked.mask().excluded(value, found, is_described=is_described)
            excluded = merged(excluded, ours)
        return _Leaving(found, excluded), errors

    def writing(name: str) -> Callable[..., Any]:
        def write(self: Any, value: Any, **options: Any) -> Any:
            options["exclude"] = merged(value.excluded, options.get("exclude"))
            return getattr(kind, name)(self, value.value, **options)

        return write

    methods = {"validate": validate} | {
        name: writing(name) for name in ("serialize", "serialize_json")
    }
    return type(f"Masked{kind.__name__}", (kind,), methods)
