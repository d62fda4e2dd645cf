"""Roles in code and in the database together, and whether a definition is sound."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.kernel.records import dataclass
from zenith.rbac.inheritance import InheritanceError
from zenith.rbac.roles import RoleSet, is_pattern
from zenith.rbac.settings import RbacSettings
from zenith.rbac.store import RoleDefinition

Origin: TypeAlias = Literal["code", "changed", "database"]
"""`changed` is a role of the code whose definition in the database takes its place."""

MAX_PERMISSIONS: Final = 10_000
MAX_INHERITED: Final = 100
MAX_DESCRIPTION: Final = 200
MAX_PERMISSION: Final = 200
MAX_LEVEL: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_log: Final = logging.getLogger("zenith.rbac")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleBook:
    """Every role of one moment: where it is defined, and all of them compiled."""

    version: int
    roles: RoleSet
    definitions: Mapping[str, RoleDefinition] = field(repr=False)
    origins: Mapping[str, Origin] = field(repr=False)


def role_book(
    settings: RbacSettings, stored: Iterable[RoleDefinition], *, version: int = 0
) -> RoleBook:
    """The book of these roles. Raises ConfigurationError where they do not fit together."""
    rows = {each.name: each for each in stored}
    code = {each.name: each for each in of_code(settings)}
    definitions = {**code, **rows}
    roles = RoleSet(
        {name: each.level for name, each in definitions.items()},
        {name: each.permissions for name, each in definitions.items()},
        inherits={name: each.inherits for name, each in definitions.items()},
        administrator=settings.administrator,
    )
    origins: dict[str, Origin] = {
        name: "code" if name not in rows else "changed" if name in code else "database"
        for name in definitions
    }
    return RoleBook(
        version=version,
        roles=roles,
        definitions=MappingProxyType(definitions),
        origins=MappingProxyType(origins),
    )


def repaired_book(
    settings: RbacSettings, stored: Collection[RoleDefinition], *, version: int
) -> RoleBook:
    """The book of what a database holds, which another release or a hand may have written.

    Threat: one bad row that stops every process, or that makes somebody an administrator. What is
    unsound grants less, never more, and is logged: roles without a name, unknown inherited roles,
    permissions of no form, levels that are none or as high as the administrator's, and circles fall
    away.
    """
    ceiling = settings.hierarchy[settings.administrator]
    named = [each for each in stored if each.name.strip() and each.name.isprintable()]
    known = {each.name for each in named} | set(settings.hierarchy)
    rows = {
        each.name: _repaired(each, known - {settings.administrator}, ceiling)
        for each in named
        if each.name != settings.administrator
    }
    for each in stored:
        if rows.get(each.name) != each:
            _log.warning("the role %.80r in the database is unsound: parts of it count not", each)
    while True:
        try:
            return role_book(settings, rows.values(), version=version)
        except InheritanceError as error:
            _log.warning("%s", error.problem)
            round_about = [name for name in error.cycle if name in rows]
            inheriting = [name for name in round_about if rows[name].inherits]
            for name in inheriting or round_about:
                if inheriting:
                    rows[name] = replace(rows[name], inherits=())
                else:
                    del rows[name]


def check_definition(settings: RbacSettings, definition: RoleDefinition) -> None:
    """Raise ValidationError unless the definition can stand for itself."""
    faults = list(_faults(definition))
    ceiling = settings.hierarchy[settings.administrator]
    level = definition.level
    if level is not None and not (0 <= level <= MAX_LEVEL and (ceiling is None or level < ceiling)):
        faults.append("The level must be 0 or more, and below the administrator's")
    if settings.administrator in definition.inherits:
        faults.append(f"The role {settings.administrator!r} is given to accounts, not to roles")
    if faults:
        raise ValidationError(faults)


def of_code(settings: RbacSettings) -> list[RoleDefinition]:
    """The roles of the settings as definitions."""
    return [
        RoleDefinition(
            name=str(name),
            level=level,
            permissions=tuple(settings.permissions.get(name, ())),
            inherits=tuple(settings.inherits.get(name, ())),
        )
        for name, level in settings.hierarchy.items()
    ]


def _faults(definition: RoleDefinition) -> Iterable[str]:
    if not _NAME.fullmatch(definition.name):
        yield "A role's name is at most 64 letters, digits, `_`, `.` and `-`"
    for what, values, most in (
        ("permissions", definition.permissions, MAX_PERMISSIONS),
        ("inherited roles", definition.inherits, MAX_INHERITED),
    ):
        if len(values) > most:
            yield f"A role has at most {most} {what}"
    for text in definition.permissions:
        if len(text) > MAX_PERMISSION or not is_pattern(text):
            yield f"{text[:MAX_PERMISSION]!r} is no permission: write users:read or users:*"
    if len(definition.description) > MAX_DESCRIPTION or not _is_shown(definition.description):
        yield f"The description is one line of at most {MAX_DESCRIPTION} characters"


def _is_shown(text: str) -> bool:
    return text.isprintable()


def _repaired(row: RoleDefinition, known: Collection[str], ceiling: int | None) -> RoleDefinition:
    level: object = row.level
    is_level = type(level) is int and (ceiling is None or level < ceiling)
    return replace(
        row,
        level=row.level if is_level else None,
        permissions=tuple(text for text in row.permissions if is_pattern(text)),
        inherits=tuple(name for name in row.inherits if name in known),
    )


def unsound(error: ConfigurationError) -> ValidationError:
    """The error of an edit that does not fit to the other roles."""
    return ValidationError([error.problem])
