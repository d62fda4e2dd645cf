"""Sizes, imports and shapes of the source files."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "zenith"

FILE_LINES = 400
FUNCTION_LINES = 40
GUARD_LINES = 120

DRIVERS = frozenset(
    {"aiosqlite", "alembic", "asyncpg", "redis", "sqlalchemy", "sqlite3", "sqlmodel"}
)
EXPRESSIONS = frozenset({"sqlalchemy", "sqlmodel"})
"""Not only drivers: also a language for queries, spoken where models and conditions are made."""
SPEAKERS = (
    "encryption/columns/",
    "query/",
    "tenants/",
    "policies/where.py",
    "policies/columns/",
)
WEBLESS = frozenset(
    {"kernel", "passwords", "encryption", "query", "content", "validation", "outbound", "mail"}
)
WEB = frozenset({"fastapi", "starlette", "uvicorn"})
FASTAPI_FOLDERS = frozenset({"console", "testing"})
FASTAPI_FILES = frozenset({"app.py", "depends.py", "handlers.py", "routes.py"})
VAGUE = frozenset({"base", "common", "helper", "helpers", "misc", "util", "utils"})
ENVIRONMENT = frozenset({"environ", "getenv", "environb", "getenvb"})
ENVIRONMENT_READERS = frozenset({"settings", "cli"})


@dataclass(frozen=True)
class Source:
    """One file of the package: its path below `zenith/`, its text, its tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, for the rules that look at all of them."""
        return list(ast.walk(self.tree))

    @property
    def folder(self) -> str:
        """The capability, or the module itself when it lies at the top."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rsplit("/", 1)[-1]

    def at(self, line: int, breach: str) -> str:
        """A breach as a compiler would print it."""
        return f"src/zenith/{self.path}:{line}: {breach}"


@cache
def sources(root: Path = SOURCE) -> tuple[Source, ...]:
    """Every Python file of the package, read once for all rules."""
    return tuple(
        Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.py"))
    )


def sizes(source: Source) -> Iterator[str]:
    """Files of 400 lines, functions of 40, guards of 120 at most."""
    lines = source.text.count("\n")
    limit = GUARD_LINES if source.name == "guard.py" else FILE_LINES
    if lines > limit:
        yield source.at(1, f"{lines} lines, {limit} at most: split it by noun")
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield source.at(
                    node.lineno, f"{node.name} has {length} lines, {FUNCTION_LINES} at most"
                )


def imports(source: Source) -> Iterator[str]:
    """Frameworks and drivers stay in their rooms; nothing inside leans on the front door."""
    for line, module in _imported(source.nodes):
        top = module.split(".")[0]
        if top == "fastapi" and not _may_use_fastapi(source):
            yield source.at(line, "FastAPI is for app, depends, routes, console and testing")
        elif top in WEB and source.folder in WEBLESS and not _is_depends(source, top):
            yield source.at(line, f"{source.folder} knows no web: {top}")
        elif top in DRIVERS and source.folder != "stores" and not _may_speak(source, top):
            yield source.at(line, f"only stores import drivers: {top}")
        elif module == "zenith" and source.folder not in {"console", "cli", "testing", "scanner"}:
            yield source.at(line, "import from the part that defines the name, not from zenith")


def _is_depends(source: Source, module: str) -> bool:
    """Where an engine meets FastAPI: one file, in which no engine is."""
    is_engine = source.folder != "kernel"
    return is_engine and module == "fastapi" and source.name == "depends.py"


def _may_speak(source: Source, module: str) -> bool:
    return module in EXPRESSIONS and source.path.startswith(SPEAKERS)


def _may_use_fastapi(source: Source) -> bool:
    if source.folder in FASTAPI_FOLDERS or source.path == "__init__.py":
        return True
    if source.name == "app.py":
        return source.path == "app.py"
    return source.name in FASTAPI_FILES


def _imported(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "zenith":
            # A part as a whole is no name of the front door.
            yield from ((node.lineno, _origin(alias.name)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def _origin(name: str) -> str:
    return f"zenith.{name}" if (SOURCE / name).is_dir() else "zenith"


def shape(source: Source) -> Iterator[str]:
    """No vague file names; an `__init__` re-exports and does nothing else."""
    if Path(source.name).stem in VAGUE:
        yield source.at(1, "name the file by what it holds")
    if source.name != "__init__.py":
        return
    for node in source.tree.body:
        if not (_is_re_export(node) or _is_lazy(node, is_door=source.path == "__init__.py")):
            yield source.at(node.lineno, "an __init__ holds a docstring, imports and __all__ only")


def _is_re_export(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return all(
        isinstance(target, ast.Name) and target.id in {"__all__", "__getattr__", "__version__"}
        for target in targets
    )


def _is_lazy(node: ast.stmt, *, is_door: bool) -> bool:
    """Names that are loaded when they are asked for (PEP 562), by `zenith.kernel.lazy`."""
    if isinstance(node, ast.FunctionDef):
        return is_door and node.name in {"__getattr__", "__dir__"}
    return (
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        and all(isinstance(inner, ast.ImportFrom) for inner in node.body)
    )


def environment(source: Source) -> Iterator[str]:
    """Only the settings, and the command line, read the environment."""
    if source.folder in ENVIRONMENT_READERS:
        return
    for node in source.nodes:
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in ENVIRONMENT
        ):
            yield source.at(node.lineno, "only Settings.from_env() reads the environment")


def settings(source: Source) -> Iterator[str]:
    """Settings are frozen, keyword-only, slotted; a string under each field explains it."""
    if source.name != "settings.py":
        return
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings"):
            given = _dataclass_options(node)
            missing = {"frozen", "kw_only", "slots"} - given
            if missing:
                options = ", ".join(sorted(missing))
                yield source.at(node.lineno, f"{node.name} is a dataclass without {options}")
            yield from _undocumented(source, node)


def _dataclass_options(node: ast.ClassDef) -> set[str]:
    options: set[str] = set()
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("dataclass"):
            options |= {keyword.arg or "" for keyword in decorator.keywords}
    return options


def _undocumented(source: Source, node: ast.ClassDef) -> Iterator[str]:
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or "ClassVar" in ast.unparse(field.annotation):
            continue
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if not documented:
            name = ast.unparse(field.target)
            yield source.at(field.lineno, f"{node.name}.{name} has no docstring under it")


RULES = (sizes, imports, shape, environment, settings)


def breaches(source: Source) -> list[str]:
    """Every breach of one file."""
    return [breach for rule in RULES for breach in rule(source)]


def check() -> list[str]:
    """Every breach of the package."""
    return [breach for source in sources() for breach in breaches(source)]
