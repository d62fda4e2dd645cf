"""The words that public names are made of: one word for one thing, spelled one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tools.house.code import Source, sources

# The glossary of the house, and American spelling, which Python and its web frameworks use.
INSTEAD = {
    "analyse": "analyze",
    "authorisation": "authorization",
    "authorise": "authorize",
    "backend": "store",
    "behaviour": "behavior",
    "canonicalise": "canonicalize",
    "colour": "color",
    "initialise": "initialize",
    "licence": "license",
    "normalise": "normalize",
    "organisation": "organization",
    "repository": "store",
    "sanitise": "sanitize",
    "serialise": "serialize",
    "throttle": "limit",
    "tokenise": "tokenize",
    "utils": "what it holds",
}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> list[str]:
    """`parse_HTTPRequest` -> parse, http, request."""
    return [word.lower() for word in WORD.findall(name)]


def breaches(source: Source) -> Iterator[str]:
    """Public functions, classes, methods, arguments and module-level names in one file."""
    for line, name in _public(source.nodes):
        for word in words(name):
            if word in INSTEAD:
                yield source.at(line, f"{name}: say {INSTEAD[word]}, not {word}")


def _public(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_"):
                continue
            yield node.lineno, node.name
            if not isinstance(node, ast.ClassDef):
                arguments = [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]
                yield from ((argument.lineno, argument.arg) for argument in arguments)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.lineno, node.target.id


def check() -> list[str]:
    """Every breach of the package."""
    return [breach for source in sources() for breach in breaches(source)]
