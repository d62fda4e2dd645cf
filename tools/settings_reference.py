"""Writes the reference of settings from the settings themselves.

python -m tools.settings_reference > docs/reference/settings.md
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from zenith.kernel.environment import NESTED, PREFIX, read_section
from zenith.kernel.errors import ConfigurationError
from zenith.settings import Settings

HEAD = """\
# Settings

Every setting, by section: its name in `Settings`, the variable that sets it, its default and what
it means. Variables are read by `Settings.from_env()`, also from a `.env` file in the working
directory; a variable that no setting has refuses the start. Lists are written with commas, mappings
as JSON. `off` turns a section off that may be off, and stands for `none`.

This page is written by `python -m tools.settings_reference`.
"""
TABLE = "| setting | variable | default | meaning |\n|---|---|---|---|\n"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A settings dataclass with its place in the tree."""

    kind: Any
    path: str
    prefix: str
    meaning: str

    @property
    def title(self) -> str:
        """Its heading."""
        return f"`{self.path.rstrip('.')}`" if self.path else "Top"


def main() -> None:
    """Print the page."""
    sys.stdout.write(page())


def page() -> str:
    """The whole reference."""
    seen: dict[Any, Group] = {}
    return HEAD + "".join(section(group, seen.setdefault(group.kind, group)) for group in groups())


def groups() -> list[Group]:
    """`Settings` and every group of settings below it, breadth first."""
    found = [Group(kind=Settings, path="", prefix=PREFIX, meaning="")]
    for group in found:
        texts = meanings(group.kind)
        for name, hint in hints_of(group.kind).items():
            inner = dataclass_in(hint)
            if inner is not None:
                found.append(
                    Group(
                        kind=inner,
                        path=f"{group.path}{name}.",
                        prefix=f"{group.prefix}{name.upper()}{NESTED}",
                        meaning=texts[name],
                    )
                )
    return found


def section(group: Group, first: Group) -> str:
    """One group as a heading and a table; a kind that came before is referred to."""
    about = f"{group.meaning}\n" if group.meaning else ""
    if first is not group:
        return f"\n## {group.title}\n\n{about}\nIts settings are those of {first.title}.\n"
    rows = "".join(f"| {' | '.join(row)} |\n" for row in rows_of(group))
    return f"\n## {group.title}\n\n{about}{about and chr(10)}{TABLE}{rows}"


def rows_of(group: Group) -> Iterator[tuple[str, str, str, str]]:
    """Name, variable, default and meaning of each field."""
    texts, hints = meanings(group.kind), hints_of(group.kind)
    for item in own_fields(group.kind):
        variable = f"{group.prefix}{item.name.upper()}"
        inner = dataclass_in(hints[item.name])
        if inner is not None:
            shown = f"`{variable}{NESTED}...`"
            default = "none" if item.default is None else "on"
        else:
            shown = f"`{variable}`" if can_be_set(variable) else "in code only"
            default = default_of(item)
        yield f"`{group.path}{item.name}`", shown, default, cell(texts[item.name])


def own_fields(kind: Any) -> tuple[Field[Any], ...]:
    """The fields that its maker sets."""
    return tuple(item for item in fields(kind) if item.init)


def hints_of(kind: Any) -> dict[str, Any]:
    """The types of those fields."""
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in own_fields(kind)}


def can_be_set(variable: str) -> bool:
    """Whether the environment can hold a value of this type."""
    try:
        read_section(Settings, {variable: "?"}, prefix=PREFIX)
    except ConfigurationError as error:
        if "is no setting" in error.problem:
            raise
        return "cannot be set by the environment" not in error.problem
    return True


def default_of(item: Field[Any]) -> str:
    """The default as it would be written in the environment."""
    if item.default_factory is not MISSING:
        return shown(item.default_factory())
    return "required" if item.default is MISSING else shown(item.default)


def shown(value: object) -> str:
    """A value as a variable would hold it."""
    if value is None:
        return "none"
    if value in ((), {}):
        return "empty"
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = f"{value:.0f}" if value.is_integer() else f"{value:g}"
    elif isinstance(value, tuple):
        text = ",".join(str(part) for part in cast("tuple[object, ...]", value))
    elif isinstance(value, Mapping):
        text = json.dumps(plain(cast("Mapping[object, object]", value)))
    else:
        text = str(value.value if isinstance(value, Enum) else value)
    return cell(f"`{text}`")


def plain(value: Mapping[object, object]) -> dict[str, object]:
    """A mapping that JSON can hold."""
    return {
        str(name): list(cast("tuple[object, ...]", inner)) if isinstance(inner, tuple) else inner
        for name, inner in value.items()
    }


def cell(text: str) -> str:
    """Text that fits into one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def dataclass_in(hint: Any) -> Any:
    """The settings dataclass that a field holds, if it holds one."""
    several = get_origin(hint) in (Union, types.UnionType)
    candidates: tuple[Any, ...] = get_args(hint) if several else (hint,)
    return next((each for each in candidates if is_dataclass(each)), None)


def meanings(kind: Any) -> dict[str, str]:
    """The docstring under each field, its parents' included, read from the sources."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if is_dataclass(each):
            found |= own_meanings(each)
    return found


def own_meanings(kind: Any) -> dict[str, str]:
    """The docstring under each field, read from the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = cast("ast.ClassDef", tree.body[0]).body
    found: dict[str, str] = {}
    for node, after in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = after.value if isinstance(after, ast.Expr) else None
            found[node.target.id] = str(text.value) if isinstance(text, ast.Constant) else ""
    return found


if __name__ == "__main__":
    main()
