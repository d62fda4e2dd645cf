"""The same small application three times: bare, assembled from usual parts, and on Zenith."""

from __future__ import annotations

from typing import Any, Protocol

from benchmarks.apps.assembled import Assembled
from benchmarks.apps.bare import Bare
from benchmarks.apps.protected import Protected
from benchmarks.driver import Call

__all__ = ["CONTENDERS", "Assembled", "Bare", "Contender", "Protected"]


class Contender(Protocol):
    """An application and the requests that it lets in."""

    app: Any

    async def start(self) -> None:
        """Make it ready, accounts and sessions included."""

    async def stop(self) -> None:
        """Free what it holds."""

    def seen(self) -> Call:
        """A GET whose token is always the same."""

    def unseen(self, count: int) -> list[Call]:
        """GETs with a valid token each, of which none was ever shown to the application."""

    def change(self) -> Call:
        """A POST of JSON with a session cookie and what proves that its own page sent it."""


CONTENDERS: dict[str, type[Contender]] = {
    "bare": Bare,
    "assembled": Assembled,
    "zenith": Protected,
}
