"""One version of an API."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Final, TypedDict, cast

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.transport.versions.lifecycle import Day, Lifecycle

NAME: Final = re.compile(r"[0-9][0-9.-]{0,19}")
REFERENCE: Final = "#/components/"


class Place(TypedDict):
    """Arguments of `include_router`."""

    prefix: str
    deprecated: bool | None


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """A version, such as `2`, `1.1` or `2026-11-01`; the other arguments are those of Lifecycle.

    Raises ConfigurationError for a name of other characters, and as Lifecycle does.
    """

    name: str
    since: Day | None = field(default=None, kw_only=True)
    """When it became, or will become, deprecated."""
    sunset: Day | None = field(default=None, kw_only=True)
    """When it ends."""
    link: str = field(default="", kw_only=True)
    """For people who use it."""
    successor: str = field(default="", kw_only=True)
    """Address of what comes instead."""
    ends: bool = field(default=False, kw_only=True)
    """Whether it is refused with 410 from its sunset on."""
    lifecycle: Lifecycle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"API version {self.name!r}", fix="use digits, dots and dashes: 2, 1.1, 2026-11-01"
            )
        lifecycle = Lifecycle(
            since=self.since,
            sunset=self.sunset,
            link=self.link,
            successor=self.successor,
            ends=self.ends,
        )
        object.__setattr__(self, "lifecycle", lifecycle)


def part_of(schema: dict[str, Any], prefix: str, version: str) -> dict[str, Any]:
    """The description of one version: its paths, and the components that they lead to."""
    paths = {
        path: item
        for path, item in schema.get("paths", {}).items()
        if path == prefix or path.startswith(prefix + "/")
    }
    found: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [paths]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            known = cast("dict[str, Any]", node)
            waiting += known.values()
            reference = known.get("$ref")
            if isinstance(reference, str) and reference.startswith(REFERENCE):
                kind, _, name = reference.removeprefix(REFERENCE).partition("/")
                if name not in found.setdefault(kind, {}):
                    found[kind][name] = schema["components"][kind][name]
                    waiting.append(found[kind][name])
    schemes = schema.get("components", {}).get("securitySchemes")
    if schemes is not None:
        found["securitySchemes"] = schemes
    info = {**schema.get("info", {}), "version": version}
    return {**schema, "info": info, "paths": paths, "components": found}
