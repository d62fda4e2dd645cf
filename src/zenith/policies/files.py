"""Policies from files: YAML for people, JSON for programs, with errors that point to the line.

A file holds one policy, or several under `policies`. The JSON Schema that the package carries
(`policy_schema()`) describes both for editors; what it cannot say is checked here all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias, cast
from typing import Literal as OneOf

from zenith.policies.documents import read_json
from zenith.policies.errors import Path, PolicyError
from zenith.policies.limits import MAX_FILE, MAX_POLICIES
from zenith.policies.policy import Policy
from zenith.policies.rules import Combine
from zenith.policies.yaml_documents import read_yaml

Format: TypeAlias = OneOf["json", "yaml"]
FORMATS: Final[Mapping[str, Format]] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
SCHEMA: Final = "policy.schema.json"
KEYS: Final = frozenset({"$schema", "name", "description", "combine", "rules"})


def load_policies(path: FilePath | str) -> tuple[Policy, ...]:
    """The policies of a file, by its suffix: `.yaml`, `.yml` or `.json`. Blocks: call it at start.

    Raises PolicyError with line and column for what is wrong in it, and where it cannot be read.
    """
    file = FilePath(path)
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise PolicyError(
            f"{path}: cannot be read: {error.strerror}", fix="check the path and who may read it"
        ) from None
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise PolicyError(
            f"{file.name}: the suffix names no format", fix="use " + ", ".join(FORMATS)
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError(
            f"{path}:{line}: is not in UTF-8", fix="save it in UTF-8", line=line
        ) from None
    return read_policies(text, form, source=str(path))


def read_policies(text: str, form: Format, *, source: str = "policy") -> tuple[Policy, ...]:
    """The policies of a text. `source` is what errors call it.

    Raises PolicyError whose message begins with source, line and column.
    """
    if len(text) > MAX_FILE:
        raise PolicyError(f"{source}: is too large", fix=f"at most {MAX_FILE:,} bytes")
    try:
        document = read_json(text) if form == "json" else read_yaml(text)
    except PolicyError as error:
        raise _in_file(error, source, error.line, error.column) from None
    try:
        return tuple(_policies(document.value))
    except PolicyError as error:
        raise _in_file(error, source, *document.place_of(error.path)) from None


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of policy files."""
    text = resources.files("zenith.policies").joinpath(SCHEMA).read_text(encoding="utf-8")
    return cast(dict[str, Any], json.loads(text))


def _policies(value: object) -> list[Policy]:
    if not isinstance(value, dict):
        raise PolicyError(
            "the file holds no policy", fix="write name: ... and rules: ..., or policies: [...]"
        )
    table = cast(dict[str, object], value)
    if "policies" not in table:
        return [_policy(table, ())]
    for key in table.keys() - {"policies", "$schema"}:
        raise PolicyError(
            f"{key!r:.50} does not stand beside `policies`", fix="put it into one", path=(key,)
        )
    given = table["policies"]
    if not isinstance(given, list) or len(cast(list[object], given)) > MAX_POLICIES:
        raise PolicyError(
            "`policies` is no list", fix=f"write at most {MAX_POLICIES:,}", path=("policies",)
        )
    found: dict[str, Policy] = {}
    for number, each in enumerate(cast(list[object], given)):
        path: Path = ("policies", number)
        policy = _policy(each, path)
        if policy.name in found:
            raise PolicyError(
                f"there are two policies `{policy.name}`",
                fix="give each a name of its own",
                path=(*path, "name"),
            )
        found[policy.name] = policy
    return list(found.values())


def _policy(given: object, path: Path) -> Policy:
    if not isinstance(given, dict):
        raise PolicyError("this is no policy", fix="write name: ... and rules: ...", path=path)
    table = cast(dict[str, object], given)
    for key in table:
        if key not in KEYS:
            raise PolicyError(
                f"a policy has no {key!r:.50}",
                fix="choose among " + ", ".join(sorted(KEYS)),
                path=(*path, key),
            )
    for key in ("name", "rules"):
        if key not in table:
            raise PolicyError(f"the policy has no `{key}`", fix="add it", path=path)
    try:
        return Policy(
            cast(str, table["name"]),
            cast(Sequence[Mapping[str, Any]], table["rules"]),
            combine=cast(Combine, table.get("combine", "deny-overrides")),
        )
    except PolicyError as error:
        raise PolicyError(error.problem, fix=error.fix, path=(*path, *error.path)) from None


def _in_file(error: PolicyError, source: str, line: int | None, column: int | None) -> PolicyError:
    where = source if line is None else f"{source}:{line}:{column}"
    return PolicyError(
        f"{where}: {error.problem}", fix=error.fix, path=error.path, line=line, column=column
    )
