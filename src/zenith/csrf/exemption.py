"""Routes that take changes from anywhere, each with the reason why that is safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Mark, RouteTable, add_mark

T = TypeVar("T")


class CsrfExemption(Mark):
    """Says that a route is not protected, and why."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        if not reason.strip():
            raise ConfigurationError(
                "csrf_exempt without a reason",
                fix="write why the route does nothing for whoever the cookies belong to",
            )
        self.reason: Final = reason


def csrf_exempt(reason: str) -> Callable[[T], T]:
    """Take one route out of the protection: `@csrf_exempt("signed by the payment provider")`.

    Threat: whatever the route does with cookies, any site can have a visitor's browser do. So it
    must look at none: webhooks that carry a signature, reports that browsers send by themselves.
    WebSocket handshakes are never exempt. `reason` is for reviewers; ConfigurationError without.
    """
    mark = CsrfExemption(reason)
    return lambda target: add_mark(target, mark)


def exempt_among(table: RouteTable) -> frozenset[tuple[Mark, ...]]:
    """The marks of those routes that are exempt; as long as there are none, nobody pays."""
    return frozenset(
        entry.marks
        for entry in table.walk()
        if any(isinstance(mark, CsrfExemption) for mark in entry.marks)
    )
