from __future__ import annotations

import logging
import sys

import pytest

from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.rbac import (
    RbacSettings,
    RoleDefinition,
    check_definition,
    repaired_book,
    role_book,
    unsound,
)

SETTINGS = RbacSettings()


def test_the_database_adds_to_the_code_and_takes_its_place() -> None:
    rows = [
        RoleDefinition(name="user", permissions=("files:read",), level=40),
        RoleDefinition(name="auditor", permissions=("audit:read",), inherits=("guest",)),
    ]
    book = role_book(SETTINGS, rows, version=3)
    assert (book.version, book.origins["admin"]) == (3, "code")
    assert (book.origins["user"], book.origins["auditor"]) == ("changed", "database")
    assert book.definitions["guest"].permissions == ("posts:read", "comments:read")
    assert book.roles.has_permission("moderator", "files:read")
    assert not book.roles.has_permission("user", "posts:write:own")
    assert book.roles.compile(["auditor"])[0] == {"auditor", "guest"}
    assert book.roles.has_role("super_admin", "auditor")
    assert not book.roles.has_role("admin", "auditor")


def test_code_may_name_what_a_role_inherits() -> None:
    settings = RbacSettings(
        hierarchy={"root": 2, "user": 1, "support": None},
        permissions={"root": ["*"], "support": ["tickets:*"]},
        inherits={"user": ["support"]},
        administrator="root",
    )
    assert settings.role_set().has_permission("user", "tickets:read")
    with pytest.raises(ConfigurationError, match="circle"):
        RbacSettings(
            hierarchy={"root": 2, "support": None},
            permissions={"root": ["*"]},
            inherits={"support": ["root"]},
            administrator="root",
        )


@pytest.mark.parametrize(
    "rows",
    [
        [RoleDefinition(name="x", permissions=("a:b", "not one"), inherits=("nobody", "guest"))],
        [RoleDefinition(name="x", permissions=("a:b",), level=100, inherits=("guest",))],
        [RoleDefinition(name="x", permissions=("a:b",), inherits=("guest", "super_admin"))],
        [
            RoleDefinition(name="x", permissions=("a:b",), inherits=("guest",)),
            RoleDefinition(name="super_admin", level=0),
        ],
    ],
)
def test_what_is_unsound_falls_away_and_is_said(rows, caplog) -> None:
    with caplog.at_level(logging.WARNING, "zenith.rbac"):
        book = repaired_book(SETTINGS, rows, version=1)
    assert len(caplog.records) == 1
    assert book.definitions["x"] == RoleDefinition(
        name="x", permissions=("a:b",), inherits=("guest",)
    )
    assert book.roles.compile(["super_admin"])[0] == book.roles.roles
    assert not book.roles.has_role("admin", "x")


def test_a_circle_falls_apart(caplog) -> None:
    rows = [
        RoleDefinition(name="a", permissions=("x:a",), inherits=("b",)),
        RoleDefinition(name="b", permissions=("x:b",), inherits=("a",)),
        RoleDefinition(name="c", permissions=("x:c",), inherits=("a",)),
    ]
    book = repaired_book(SETTINGS, rows, version=1)
    assert not book.roles.has_permission("a", "x:b")
    assert book.roles.has_permission("c", "x:a")
    assert "circle" in caplog.text


def test_a_row_that_makes_a_circle_with_the_code_is_left_out() -> None:
    """The code lets `low` inherit `beside`; a row puts `beside` above `low`."""
    settings = RbacSettings(
        hierarchy={"root": 9, "low": 1, "beside": None},
        permissions={"root": ["*"], "beside": ["x:y"]},
        inherits={"low": ["beside"]},
        administrator="root",
    )
    book = repaired_book(settings, [RoleDefinition(name="beside", level=5)], version=1)
    assert book.origins["beside"] == "code"
    assert book.roles.has_permission("low", "x:y")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "64 letters"),
        ({"name": "../x"}, "64 letters"),
        ({"permissions": ("x:*:y",)}, "no permission"),
        ({"permissions": ("a" * 201,)}, "no permission"),
        ({"permissions": ("a:b",) * 10_001}, "at most 10000 permissions"),
        ({"inherits": ("a",) * 101}, "at most 100 inherited"),
        ({"inherits": ("super_admin",)}, "given to accounts"),
        ({"level": 100}, "below the administrator"),
        ({"level": -1}, "0 or more"),
        ({"description": "a\x1b[1m"}, "one line"),
        ({"description": "a" * 201}, "one line"),
    ],
)
def test_what_is_no_definition_is_said(wrong, said) -> None:
    with pytest.raises(ValidationError, match=said):
        check_definition(SETTINGS, RoleDefinition(**{"name": "x", **wrong}))


def test_a_sound_definition_passes() -> None:
    check_definition(SETTINGS, RoleDefinition(name="a.b-C_9", permissions=("*",), level=99))
    assert unsound(ConfigurationError("so", fix="thus")).errors == ["so"]


def calls_to_take_over(count: int) -> int:
    """Calls of functions, in Python and in C, for so many roles in chains of a hundred."""
    rows = [
        RoleDefinition(
            name=f"r{number}",
            permissions=tuple(f"p{number}:{each}" for each in range(10)),
            inherits=(f"r{number - 1}",) if number % 100 else (),
        )
        for number in range(count)
    ]
    kinds: list[str] = []
    sys.setprofile(lambda frame, kind, value: kinds.append(kind))
    try:
        book = repaired_book(SETTINGS, rows, version=1)
        held, granted = book.roles.compile([f"r{count - 1}"])
    finally:
        sys.setprofile(None)
    assert len(held) == 100
    assert granted.allow(f"p{count - 50}:3")
    return len(kinds)


def test_the_work_to_take_over_roles_grows_with_their_number() -> None:
    """Ten times as many take about ten times the work, and not a hundred times."""
    assert calls_to_take_over(1_000) < 15 * calls_to_take_over(100)


@pytest.mark.parametrize(
    "row",
    [
        *(RoleDefinition(name=name, permissions=("*",)) for name in ("", " ", "a\nb", "a\x00")),
        *(RoleDefinition(name="odd", level=level) for level in (5.5, "abc", True, b"5")),
        RoleDefinition(name="guest", level=5.5),
        RoleDefinition(name="odd", inherits=("", "odd")),
    ],
)
def test_a_row_that_is_none_stops_nobody(row):
    sound = RoleDefinition(name="sound", permissions=("a:b",))
    book = repaired_book(SETTINGS, [row, sound], version=1)
    assert book.roles.has_permission("sound", "a:b")
    assert not book.roles.has_permission(row.name, "c:d")
    assert "" not in book.definitions
    assert book.definitions.get(row.name, sound).level is None
