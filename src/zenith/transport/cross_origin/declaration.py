"""`cors(...)`: what pages of other origins may do with one route."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar

from zenith.pipeline import Mark, add_mark
from zenith.transport.cross_origin.policy import CorsPolicy
from zenith.transport.cross_origin.settings import CorsSettings

T = TypeVar("T")


class CorsMark(Mark):
    """The policy of one route, in place of the application's."""

    __slots__ = ("_settings", "policy")

    def __init__(self, settings: CorsSettings) -> None:
        self._settings: Final = settings
        self.policy: Final = CorsPolicy(settings)

    def note(self) -> str:
        """Shown beside who may call."""
        how = " with cookies" if self._settings.credentials else ""
        return f"readable by pages of {', '.join(self._settings.origins) or 'no other origin'}{how}"


def cors(
    *origins: str,
    credentials: bool = False,
    methods: Collection[str] = ("GET", "HEAD", "POST"),
    settings: CorsSettings | None = None,
) -> Callable[[T], T]:
    """Give one route a policy of its own: `@cors("*")` for what everybody may read, `@cors()` for
    what no other site may.

    Threat: one route that other sites need, for which the whole application is opened. The rest is
    as CorsSettings has it by default; `settings` says all of it in their place. The start is
    refused where no CorsGuard would honour the mark: set `Settings(cors=CorsSettings())`.
    Raises ConfigurationError as CorsSettings does.
    """
    given = settings or CorsSettings(
        origins=origins, credentials=credentials, methods=tuple(methods)
    )
    mark = CorsMark(given)
    return lambda target: add_mark(target, mark)
