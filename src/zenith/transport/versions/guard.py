"""The guard that leads a request to the version of the API that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias

from zenith.kernel.clock import Clock, wall_clock
from zenith.pipeline import Exchange, Guard, RouteTable, Scope, Stage
from zenith.pipeline.routes import route_path
from zenith.transport.vary import add_vary
from zenith.transport.versions.asked import selector_of
from zenith.transport.versions.catalogue import Catalogue
from zenith.transport.versions.choice import chosen
from zenith.transport.versions.lifecycle import DeprecationMark, Lifecycle
from zenith.transport.versions.version import ApiVersion, Place

By: TypeAlias = Literal["path", "header", "media_type"]


class ApiVersions(Guard):
    """Threat: clients of an old version that break without notice, and old versions, with the holes
    of their time, that are served for ever because nobody can end them.

    `ApiVersions(ApiVersion("1", sunset=...), ApiVersion("2"))`, among the application's guards.
    Versions are ordinary routers at `/api/v1` and `/api/v2` (`below` is `/api`): include them with
    `**versions.place("2")`. A path may always name its version; `by` header (`header`) or media
    type (`media_type`, in Accept) it can be named for paths without, and `default` is the version
    of whoever names none. An unknown version is refused with 404, 400 or 406, one that has ended
    with 410; answers carry Deprecation (RFC 9745), Sunset (RFC 8594) and links.

    Raises ConfigurationError for arguments that contradict each other, at the start too for routes
    of a version that there is not. `clock` gives seconds since the epoch.
    """

    stage: ClassVar[Stage] = Stage.TRANSPORT
    consumes: ClassVar[tuple[type, ...]] = (DeprecationMark,)

    def __init__(
        self,
        *versions: ApiVersion,
        by: By = "path",
        default: str | None = None,
        below: str = "/api",
        header: str = "API-Version",
        media_type: str = "",
        clock: Clock = wall_clock,
    ) -> None:
        self._catalogue: Final = Catalogue(versions, below=below)
        known = self._catalogue.versions
        self._selector: Final = selector_of(
            by, known, default=default, below=below, header=header, media_type=media_type
        )
        self._default: Final = default
        self._clock: Final = clock

    def place(self, version: str) -> Place:
        """Arguments for `include_router`: `app.include_router(users, **versions.place("2"))`."""
        return self._catalogue.place(version)

    def openapi(self, schema: Mapping[str, Any], version: str) -> dict[str, Any]:
        """The part of an application's OpenAPI schema that describes one version."""
        return self._catalogue.describe(schema, version)

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Refuse the start for routes of versions that there are not."""
        del guards
        self._catalogue.check(table)

    def readdress(self, scope: Scope) -> Scope:
        """The request as if its path named the version that its headers name."""
        path = route_path(scope)
        if self._selector is None or not self._catalogue.holds(path):
            return scope
        if self._catalogue.named(path) is not None:
            return scope
        asked = self._selector.ask(scope["headers"])
        version = self._default if asked.is_silent else asked.version
        return scope if version is None else self._catalogue.lead(scope, version)

    def on_request(self, exchange: Exchange) -> None:
        """Refuse a version that there is not, or no longer."""
        version = chosen(
            exchange, catalogue=self._catalogue, selector=self._selector, default=self._default
        )
        mark = exchange.mark(DeprecationMark)
        lifecycle = None if mark is None else mark.lifecycle
        if version is not None:
            exchange.state[ApiVersions] = version
            lifecycle = lifecycle or version.lifecycle
        if lifecycle is not None:
            exchange.state[Lifecycle] = lifecycle
            lifecycle.check(now=self._clock())

    def on_response(self, exchange: Exchange) -> None:
        """Say which version this is, and how old."""
        headers = exchange.response_headers
        lifecycle: Lifecycle | None = exchange.state.get(Lifecycle)
        if lifecycle is not None:
            headers += lifecycle.fields
        selector = self._selector
        if selector is None or not self._catalogue.holds(route_path(exchange.scope)):
            return
        add_vary(headers, selector.vary)
        version: ApiVersion | None = exchange.state.get(ApiVersions)
        if version is not None:
            asked = selector.ask(exchange.scope["headers"]).version is not None
            selector.answer(headers, version.name, asked=asked)
