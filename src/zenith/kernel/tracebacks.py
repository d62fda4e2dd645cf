"""Exceptions as text for logs: the whole chain, one line for what is said, nothing secret.

Threat: the text of an exception repeats what was sent, the statement's parameters, the row that was
refused (ASVS 16.5.1, 16.2.5); its line ends forge frames and records (ASVS 16.4.1). Frames are
given as file, line, function and source, never with the values of variables.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, cast

from zenith.kernel.redaction import Redactor

MAX_FRAMES: Final = 64
MAX_CHAIN: Final = 16
"""Exceptions that are told, those of a group and those before included."""
MAX_NOTES: Final = 8
MAX_SAID: Final = 4096
"""Characters of one exception's text."""
CAUSE: Final = "The above exception was the direct cause of the following exception:"
CONTEXT: Final = "During handling of the above exception, another exception occurred:"


def redacted_traceback(
    error: BaseException, redactor: Redactor, trace: TracebackType | None = None
) -> str:
    """`error` with its causes, contexts, groups and notes, as Python prints them but for secrets
    and line ends. `trace` is its traceback, where it is not the error's own. Never raises.
    """
    return "\n".join(_Telling(redactor).chain(error, trace))


class _Telling:
    """One exception and all that hang on it, each once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor: Final = redactor
        self._seen: Final[set[int]] = set()

    def chain(self, error: BaseException, trace: TracebackType | None = None) -> Iterator[str]:
        self._seen.add(id(error))
        before, words = error.__cause__, CAUSE
        if before is None and not error.__suppress_context__:
            before, words = error.__context__, CONTEXT
        if before is not None and id(before) not in self._seen:
            if len(self._seen) < MAX_CHAIN:
                yield from self.chain(before)
            else:
                yield "..."
            yield from ("", words, "")
        yield from self._one(error, trace or error.__traceback__)

    def _one(self, error: BaseException, trace: TracebackType | None) -> Iterator[str]:
        if trace is not None:
            yield "Traceback (most recent call last):"
            yield from self._frames(trace)
        yield self._said(error)
        # Where `add_note` puts them: a property of that name would run code.
        notes: Any = vars(error).get("__notes__")
        if isinstance(notes, list):
            for note in cast("list[object]", notes)[:MAX_NOTES]:
                yield f"  {self._redactor.text(shown(note), MAX_SAID)}"
        if isinstance(error, BaseExceptionGroup):
            members: tuple[BaseException, ...] = cast("Any", error).exceptions
            for number, inner in enumerate(members, 1):
                if len(self._seen) >= MAX_CHAIN:
                    yield f"  | ... {len(members) - number + 1} more"
                    break
                yield f"  +---------------- {number}"
                yield from (f"  | {line}" for line in self.chain(inner))

    def _frames(self, trace: TracebackType) -> Iterator[str]:
        frames = list(traceback.walk_tb(trace))
        if len(frames) > MAX_FRAMES:
            yield f"  ... {len(frames) - MAX_FRAMES} frames"
            frames = frames[-MAX_FRAMES:]
        for frame in traceback.StackSummary.extract(iter(frames)):
            place = f'File "{frame.filename}", line {frame.lineno}, in {frame.name}'
            yield f"  {self._redactor.text(place)}"
            if frame.line:
                yield f"    {self._redactor.text(frame.line)}"

    def _said(self, error: BaseException) -> str:
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ not in {"builtins", "__main__"}:
            name = f"{kind.__module__}.{name}"
        said = self._redactor.text(shown(error), MAX_SAID)
        return f"{name}: {said}" if said else name


def shown(value: object) -> str:
    """`str(value)`, whatever that does."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # what an object's own __str__ raises may be anything
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
