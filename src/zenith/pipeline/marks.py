"""Marks: what a developer declares on a route, kept where guards can find it before it runs."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

_ATTRIBUTE: Final = "__zenith_marks__"
_ENFORCED: Final = "__zenith_enforced__"
T = TypeVar("T")


class Mark:
    """A declaration on a route. A subclass names what it declares; a guard consumes it."""

    __slots__ = ()

    def note(self) -> str:
        """What a reader of the list of routes is told of it beside who may call; may be empty."""
        return ""


def add_mark(target: T, mark: Mark) -> T:
    """Attach `mark` to an endpoint, a dependency or an ASGI application, and return it."""
    setattr(target, _ATTRIBUTE, (*marks_of(target), mark))
    return target


def marks_of(target: Any) -> tuple[Mark, ...]:
    """The marks on `target`, in the order in which they were attached."""
    return cast("tuple[Mark, ...]", getattr(target, _ATTRIBUTE, ()))


def declare_enforced(target: T, mark: Mark) -> T:
    """Say that `target` itself refuses, when it is called, whom `mark` does not admit."""
    setattr(target, _ENFORCED, (*enforced_marks(target), mark))
    return target


def enforced_marks(target: Any) -> tuple[Mark, ...]:
    """The marks that `target` enforces itself. A mark on it that is missing here was attached
    after the route was registered: the route calls something that does not know of it.
    """
    return cast("tuple[Mark, ...]", getattr(target, _ENFORCED, ()))
