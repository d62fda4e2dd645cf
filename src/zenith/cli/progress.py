"""A bar on the terminal while something takes its time; nothing where there is no terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from zenith.cli.output import printable


class Bar:
    """One bar on standard error, so that what a command answers stays alone on standard output."""

    def __init__(self, text: str, *, total: float) -> None:
        self._bars: Final = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task: Final = self._bars.add_task(printable(text), total=total)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, done: float, *, text: str | None = None, total: float | None = None) -> None:
        """How far it is; `text` and `total` where they change."""
        described = None if text is None else printable(text)
        self._bars.update(self._task, completed=done, description=described, total=total)
