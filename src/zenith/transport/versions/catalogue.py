"""The versions that there are, and where they live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import RouteTable, Scope
from zenith.pipeline.routes import route_path
from zenith.transport.versions.errors import UnknownVersionError, among
from zenith.transport.versions.version import ApiVersion, Place, part_of

_SEGMENT: Final = re.compile(r"/v([0-9][0-9.-]*)(?:/|$)")
_BELOW: Final = re.compile(r"(?:/[A-Za-z0-9_~-]+)*")


class Catalogue:
    """Tells the paths of versions apart: `/api/v2/users` below `/api`. Immutable."""

    __slots__ = ("_below", "versions")

    def __init__(self, versions: Iterable[ApiVersion], *, below: str) -> None:
        given = tuple(versions)
        self.versions: Final[Mapping[str, ApiVersion]] = {each.name: each for each in given}
        self._below: Final = below
        if len(self.versions) != len(given):
            raise ConfigurationError("an API version is declared twice", fix="keep one of them")
        if not _BELOW.fullmatch(below):
            raise ConfigurationError(
                f"API versions below {below!r}",
                fix='write a path without a slash at its end: "/api"',
            )

    def place(self, version: str) -> Place:
        """Arguments for `include_router`. Raises ConfigurationError for an unknown version."""
        known = self.versions.get(version)
        if known is None:
            raise ConfigurationError(
                f"there is no API version {version!r}", fix=f'declare it: ApiVersion("{version}")'
            )
        deprecated = True if known.since is not None else None
        return {"prefix": f"{self._below}/v{version}", "deprecated": deprecated}

    def describe(self, schema: Mapping[str, Any], version: str) -> dict[str, Any]:
        """The part of an OpenAPI schema that is about one version."""
        return part_of(dict(schema), self.place(version)["prefix"], version)

    def check(self, table: RouteTable) -> None:
        """Raise ConfigurationError for a route of a version that is not declared."""
        for entry in table.walk():
            name = self.named(entry.path)
            if self.versions and name is not None:
                self.place(name)

    def holds(self, path: str) -> bool:
        """Whether the path is one of those that have versions."""
        return path.startswith(self._below + "/") or path == self._below

    def named(self, path: str) -> str | None:
        """The version that a path names, whether there is such a one or not."""
        if not self.holds(path):
            return None
        match = _SEGMENT.match(path, len(self._below))
        return None if match is None else match.group(1)

    def find(self, name: str) -> ApiVersion:
        """The version of this name; raises UnknownVersionError."""
        known = self.versions.get(name)
        if known is None:
            raise among(UnknownVersionError(), self.versions)
        return known

    def lead(self, scope: Scope, version: str) -> Scope:
        """The same request to the path of `version`."""
        path: str = scope["path"]
        end = len(path) - len(route_path(scope)) + len(self._below)
        head, segment = path[:end].encode(), f"/v{version}"
        raw: bytes | None = scope.get("raw_path")
        if raw is None:
            return {**scope, "path": path[:end] + segment + path[end:]}
        if not raw.startswith(head):
            # Written in an unusual way; no route will be found for it.
            return scope
        raw = head + segment.encode() + raw[len(head) :]
        return {**scope, "path": path[:end] + segment + path[end:], "raw_path": raw}
