"""Who comes second: a unique value that somebody else was faster to take.

Threat: two requests ask at the same time whether a name is free, are both told so, and both get it,
or the second gets a 500 (ASVS 15.4.2). Only the database can decide; this turns its decision into
the fault of the field.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from zenith.kernel.errors import ValidationError
from zenith.validation.errors import fault

TAKEN: Final = "unique"
"""The `type` of the fault."""
UNIQUE_STATES: Final = frozenset({"23505"})
UNIQUE_NAMES: Final = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_SQLITE: Final = re.compile(r"UNIQUE constraint failed: (.{1,1000})")
_INDEX: Final = re.compile(r"index '([^']{1,200})'")
_DETAIL: Final = re.compile(r"Key \((.{1,500}?)\)=")
_WORD: Final = re.compile(r"\w+")
MAX_CHAIN: Final = 16


@contextmanager
def unique(*, at: Sequence[str | int] = ("body",), **messages: str) -> Generator[None]:
    """Answer a value that is taken as a fault of its field.

    `with unique(username="That name is taken"): await Member.create(...)`: the columns' names, and
    what is said of each. `at` is where the fields stood in the request.

    Raises ValidationError (422) where the database refuses a value as not unique and the column is
    one of them; whatever else is raised goes on as it is. The rows of the block are not written; to
    go on after it in the same transaction, put it around a `transaction()`.
    """
    try:
        yield
    except Exception as error:
        names = taken(error, messages)
        if not names:
            raise
        faults = [fault((*at, name), TAKEN, messages[name]) for name in names]
        # Without the cause: the driver's text repeats the values.
        raise ValidationError(faults, reason="a unique value is taken") from None


def taken(error: BaseException, names: Mapping[str, object]) -> list[str]:
    """Which of `names` the database says is taken; none where it says something else."""
    said = _violation(error)
    if said is None:
        return []
    words = {word.lower() for word in _WORD.findall(said)}
    exact = [name for name in names if name.lower() in words]
    if exact:
        return exact
    # The name of an index or a constraint, such as uq_members_username.
    parts = {part for word in words for part in _parts(word)}
    return [name for name in names if name.lower() in parts]


def _parts(word: str) -> set[str]:
    pieces = word.split("_")
    ends = range(len(pieces) + 1)
    return {"_".join(pieces[start:end]) for start in ends for end in ends[start + 1 :]}


def _violation(error: BaseException) -> str | None:
    """What the driver says of a unique column, in the words of SQLite or PostgreSQL."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < MAX_CHAIN:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        said = _said(each)
        if said is not None:
            return said
        # Not the context: what was raised while a conflict was handled is something else.
        waiting += [getattr(each, "orig", None), each.__cause__]
    return None


def _said(error: Any) -> str | None:
    if getattr(error, "sqlite_errorname", None) in UNIQUE_NAMES:
        match = _SQLITE.search(str(error))
        columns = match[1] if match else ""
        index = _INDEX.search(columns)
        # Each column comes with its table's name, which is none of them.
        return index[1] if index else " ".join(re.findall(r"\.(\w+)", columns))
    if getattr(error, "sqlstate", None) in UNIQUE_STATES:
        detail = getattr(error, "detail", None) or str(error)
        match = _DETAIL.search(detail)
        constraint = getattr(error, "constraint_name", None) or ""
        return match[1] if match else str(constraint)
    return None
