"""What is wrong with a policy, and where."""

from __future__ import annotations

from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError

Path: TypeAlias = tuple[str | int, ...]
"""Where in a policy's dictionaries: `("rules", 0, "conditions", 1, "operator")`."""


class PolicyError(ConfigurationError):
    """A policy cannot be understood, or not in one way only, and is refused as a whole.

    `path` leads to the fault within the policy's dictionaries; `line` and `column`, from 1, within
    the file, where there is one.
    """

    def __init__(
        self,
        problem: str,
        *,
        fix: str = "",
        path: Path = (),
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.path: Final = path
        self.line: Final = line
        self.column: Final = column
        super().__init__(problem, fix=fix)
