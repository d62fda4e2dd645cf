from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from zenith.kernel.environment import read_section
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret


@dataclass(frozen=True, kw_only=True)
class Inner:
    idle: float = 1.0
    names: tuple[str, ...] = ()
    limits: tuple[int, ...] = ()


class Strange:
    """What no text can become."""


@dataclass(frozen=True, kw_only=True)
class Outer:
    number: int = 0
    flag: bool = False
    mode: Literal["a", "b"] = "a"
    maybe: str | None = "x"
    secret: Secret = field(default_factory=lambda: Secret(""))
    keys: tuple[Secret, ...] = ()
    keyring: Mapping[str, Secret] = field(default_factory=dict)
    grants: Mapping[str, Collection[str]] = field(default_factory=dict)
    table: Mapping[str, int] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    hook: Callable[[], None] | None = None
    strange: Strange | None = None
    clock: Secret | None = None
    inner: Inner = field(default_factory=Inner)
    several: tuple[Inner, ...] = ()
    optional: Inner | None = field(default_factory=Inner)


@dataclass(frozen=True, kw_only=True)
class Provider:
    client_id: str
    client_secret: Secret


def read(**variables):
    return read_section(Outer, {f"Z_{key}": value for key, value in variables.items()}, prefix="Z_")


def test_values_by_type():
    settings = read(
        NUMBER="7", FLAG="true", MODE="b", MAYBE="y", TABLE='{"a": 1}', PLAIN='{"a": "b"}'
    )
    assert (settings.number, settings.flag, settings.mode, settings.maybe) == (7, True, "b", "y")
    assert (settings.table, settings.plain) == ({"a": 1}, {"a": "b"})
    assert read() == Outer()


def test_secrets_and_lists():
    settings = read(SECRET="s", KEYS="one, two,", CLOCK="c")
    assert (settings.secret, settings.keys) == (Secret("s"), (Secret("one"), Secret("two")))
    assert settings.clock == Secret("c")


@pytest.mark.parametrize("off", ["", "off", "None", "OFF"])
def test_what_can_be_off(off):
    settings = read(MAYBE=off, OPTIONAL=off)
    assert settings.maybe is None
    assert settings.optional is None


def test_members_of_groups():
    settings = read(INNER__IDLE="2.5", INNER__NAMES="a,b", OPTIONAL__LIMITS="1,2")
    assert settings.inner == Inner(idle=2.5, names=("a", "b"))
    assert settings.optional == Inner(limits=(1, 2))


@pytest.mark.parametrize(
    ("variables", "fix"),
    [
        ({"NUMBR": "1"}, "Z_NUMBER"),
        ({"WHATEVER_ELSE": "1"}, "list of settings"),
        ({"INNER_IDLE": "1"}, "Z_INNER__IDLE"),
        ({"INNER__IDL": "1"}, "Z_INNER__IDLE"),
        ({"NUMBER__X": "1"}, ""),
        ({"NUMBER": "seven"}, "correct"),
        ({"MODE": "c"}, "correct"),
        ({"TABLE": "no json"}, "correct"),
        ({"STRANGE": "x"}, "in code"),
        ({"HOOK": "x"}, "correct"),
        ({"INNER": "off"}, "members"),
        ({"INNER": "x"}, "members"),
        ({"OPTIONAL": "on"}, "members"),
        ({"OPTIONAL": "off", "OPTIONAL__IDLE": "1"}, "members"),
        ({"INNER__LIMITS": "1,x"}, "correct"),
        ({"SEVERAL": '[{"idle": 2}]'}, "set it in code"),
    ],
)
def test_what_cannot_be_read_refuses_the_start_and_names_the_fix(variables, fix):
    with pytest.raises(ConfigurationError) as caught:
        read(**variables)
    assert fix in caught.value.fix


def test_a_table_of_lists():
    settings = read(GRANTS='{"editor": ["posts:write", "posts:read"]}')
    assert settings.grants == {"editor": ("posts:write", "posts:read")}


def test_what_has_no_default_is_asked_for():
    variables = {"P_CLIENT_ID": "x"}
    with pytest.raises(ConfigurationError, match="P_CLIENT_SECRET is not set"):
        read_section(Provider, variables, prefix="P_")
    made = read_section(Provider, variables | {"P_CLIENT_SECRET": "y"}, prefix="P_")
    assert made == Provider(client_id="x", client_secret=Secret("y"))


def test_secrets_in_a_table():
    settings = read(KEYRING='{"a": "one"}')
    assert settings.keyring == {"a": Secret("one")}
    with pytest.raises(ConfigurationError) as caught:
        read(KEYRING='["hunter2"]')
    assert "hunter2" not in str(caught.value)


def test_a_secret_in_the_wrong_variable_is_not_repeated():
    with pytest.raises(ConfigurationError) as caught:
        read(NUMBER="hunter2-hunter2", MODE="hunter2")
    assert "hunter2" not in str(caught.value)
