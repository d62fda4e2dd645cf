"""The same small application: bare, assembled from usual parts, on Zenith, and elsewhere."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from benchmarks.apps.assembled import Assembled
from benchmarks.apps.bare import Bare
from benchmarks.apps.protected import Protected
from benchmarks.driver import Call

__all__ = ["CONTENDERS", "Assembled", "Bare", "Contender", "Protected", "TokenContender"]


class Contender(Protocol):
    """An application and the requests that it lets in."""

    app: Any

    async def start(self) -> None:
        """Make it ready, accounts and sessions included."""

    async def stop(self) -> None:
        """Free what it holds."""

    def seen(self) -> Call:
        """A GET whose token, or cookie, is always the same."""

    def change(self) -> Call:
        """A POST of JSON with a session cookie and what proves that its own page sent it."""


@runtime_checkable
class TokenContender(Contender, Protocol):
    """One that has tokens of its own."""

    def unseen(self, count: int) -> list[Call]:
        """GETs with a valid token each, of which none was ever shown to the application."""


CONTENDERS: dict[str, type[TokenContender]] = {
    "bare": Bare,
    "assembled": Assembled,
    "zenith": Protected,
}
