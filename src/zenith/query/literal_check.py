"""Finds SQL that is put together at run time, in the code of an application.

Threat: SQL injection (ASVS 1.2.4) where nothing else looks: a statement made with an f-string,
`%`, `+`, `format` or `join`, and handed to `sql()`, `text()` or a driver.

It reads the code and does not run it. What it follows: names that are assigned in the same
function, or at the top of the same file. What it does not: statements that come out of other
functions; whether what is put in was checked before. A line that ends with `# sql: fixed` is left
out, for whoever has made sure of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from zenith.kernel.records import dataclass

SINKS: Final = frozenset(
    {
        *("sql", "text", "literal_column", "exec", "execute", "exec_driver_sql", "executemany"),
        *("executescript", "fetch", "fetchrow", "fetchval", "execute_fetchall", "raw", "cursor"),
    }
)
"""Functions and methods whose first argument is SQL."""
FIXED: Final = "# sql: fixed"
SKIPPED: Final = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})
Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
Names: TypeAlias = Mapping[str, ast.expr]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where SQL is put together."""

    path: str
    line: int
    sink: str
    """Who gets it."""
    how: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sink}() gets SQL made with {self.how}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and which files could not be read."""

    findings: tuple[Finding, ...]
    unread: tuple[str, ...]
    files: int


def check(paths: Iterable[Path]) -> Report:
    """Read every Python file of `paths`, files or folders."""
    findings: list[Finding] = []
    unread: list[str] = []
    files = 0
    for path in _python_files(paths):
        files += 1
        try:
            source = path.read_text(encoding="utf-8")
            findings += find(source, str(path))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            unread.append(f"{path}: {type(error).__name__}")
    return Report(tuple(findings), tuple(unread), files)


def find(source: str, path: str = "<string>") -> list[Finding]:
    """Every finding in one file's text; raises SyntaxError if it is no Python."""
    lines = source.splitlines()
    found = _Finder(path, lines).of(ast.parse(source))
    return sorted(set(found), key=lambda finding: (finding.line, finding.sink))


def _python_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        for file in sorted(path.rglob("*.py")):
            parts = file.relative_to(path).parts
            if not any(part in SKIPPED or part.startswith(".") for part in parts):
                yield file


class _Finder:
    def __init__(self, path: str, lines: list[str]) -> None:
        self._path: Final = path
        self._lines: Final = lines

    def of(self, scope: Scope, outer: Names | None = None) -> Iterator[Finding]:
        names = {**(outer or {}), **_assigned(scope)}
        for node in _inside(scope):
            if isinstance(node, ast.Call):
                yield from self._call(node, names)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from self.of(node, names)

    def _call(self, call: ast.Call, names: Names) -> Iterator[Finding]:
        sink = _name_of(call.func)
        if sink not in SINKS:
            return
        given = [*call.args[:1], *(each.value for each in call.keywords if each.arg in STATEMENTS)]
        for argument in given:
            how = _made_with(argument, names, depth=8)
            if how is not None and FIXED not in self._lines[call.lineno - 1]:
                yield Finding(self._path, call.lineno, sink, how)


STATEMENTS: Final = frozenset({"statement", "sql", "query", "clause"})


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _made_with(node: ast.expr, names: Names, *, depth: int) -> str | None:
    """How a text is put together out of something that is no constant; None if it is not."""
    if depth == 0:
        return None
    if isinstance(node, ast.JoinedStr):
        return "an f-string" if not _is_fixed(node, names, depth) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        sign = "+" if isinstance(node.op, ast.Add) else "%"
        texts = _is_text(node.left, names, depth) or _is_text(node.right, names, depth)
        return f"`{sign}`" if texts and not _is_fixed(node, names, depth) else None
    if isinstance(node, ast.Name):
        known = names.get(node.id)
        return None if known is None else _made_with(known, names, depth=depth - 1)
    if isinstance(node, ast.IfExp):
        return _made_with(node.body, names, depth=depth - 1) or _made_with(
            node.orelse, names, depth=depth - 1
        )
    if isinstance(node, ast.Call):
        return _method(node, names, depth)
    return None


def _method(call: ast.Call, names: Names, depth: int) -> str | None:
    """`"...".format(x)`, and what a text was made with before `.strip()` or `dedent(...)`."""
    if isinstance(call.func, ast.Attribute) and _is_text(call.func.value, names, depth):
        if call.func.attr in ("format", "format_map", "join", "replace") and not all(
            _is_fixed(each, names, depth) for each in _values(call)
        ):
            return f"`{call.func.attr}`"
        return _made_with(call.func.value, names, depth=depth - 1)
    if _name_of(call.func) in ("dedent", "str", "cleandoc", *SINKS) and call.args:
        return _made_with(call.args[0], names, depth=depth - 1)
    return None


def _values(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_text(node: ast.expr, names: Names, depth: int) -> bool:
    """Whether it is surely a text."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Name) and depth > 0:
        known = names.get(node.id)
        return known is not None and _is_text(known, names, depth - 1)
    if isinstance(node, ast.BinOp) and depth > 0:
        return _is_text(node.left, names, depth - 1) or _is_text(node.right, names, depth - 1)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and depth > 0
        and _is_text(node.func.value, names, depth - 1)
    )


def _is_fixed(node: ast.expr, names: Names, depth: int) -> bool:
    """Whether it is made of constants alone, as a literal string is."""
    if isinstance(node, ast.Constant):
        return True
    if depth == 0:
        return False
    if isinstance(node, ast.JoinedStr):
        return all(
            _is_fixed(
                part.value if isinstance(part, ast.FormattedValue) else part, names, depth - 1
            )
            for part in node.values
        )
    if isinstance(node, ast.BinOp):
        return _is_fixed(node.left, names, depth - 1) and _is_fixed(node.right, names, depth - 1)
    if isinstance(node, ast.Tuple | ast.List):
        return all(_is_fixed(each, names, depth - 1) for each in node.elts)
    if isinstance(node, ast.Name):
        known = names.get(node.id)
        return known is not None and _is_fixed(known, names, depth - 1)
    return False


def _assigned(scope: Scope) -> dict[str, ast.expr]:
    """What names of this scope stand for; a text that is added to is as if made with `+`."""
    found: dict[str, ast.expr] = {}
    for node in _inside(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _worse(found.get(target.id), node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
            if node.value is not None:
                found[node.target.id] = _worse(found.get(node.target.id), node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before = found.get(node.target.id)
            if before is not None:
                found[node.target.id] = ast.BinOp(before, node.op, node.value)
    for name in _parameters(scope):
        found[name] = UNKNOWN
    return found


UNKNOWN: Final = ast.Name("\N{BULLET}")


def _worse(before: ast.expr | None, now: ast.expr) -> ast.expr:
    """Of a name that is set twice, both count: what runs is not known."""
    return now if before is None else ast.IfExp(UNKNOWN, before, now)


def _parameters(scope: Scope) -> list[str]:
    if isinstance(scope, ast.Module):
        return []
    arguments = scope.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _inside(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a scope in order, without those of functions in it."""
    body: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)
    waiting = body[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += [*ast.iter_child_nodes(node)][::-1]
        elif not isinstance(node, ast.Lambda):
            waiting += node.decorator_list
