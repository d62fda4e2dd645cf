from __future__ import annotations

import random

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.rbac import Inheritance, InheritanceError, RoleSet


def test_levels_and_names_imply_together() -> None:
    roles = RoleSet(
        {"chief": 3, "clerk": 2, "guest": 1, "auditor": None, "reader": None},
        {"auditor": ["audit:read"], "reader": ["files:read"], "guest": ["posts:read"]},
        inherits={"clerk": ["auditor"], "auditor": ["reader"]},
    )
    assert roles.compile(["chief"])[0] == {"chief", "clerk", "guest", "auditor", "reader"}
    assert roles.compile(["auditor"])[0] == {"auditor", "reader"}
    assert roles.compile(["reader"])[0] == {"reader"}
    assert roles.has_permission("chief", "files:read")
    assert not roles.has_permission("auditor", "posts:read")


def test_the_administrator_implies_every_role() -> None:
    levels = {"root": 9, "beside": None, "user": 1}
    assert RoleSet(levels, {}, administrator="root").compile(["root"])[0] == set(levels)
    assert RoleSet(levels, {}).compile(["root"])[0] == {"root", "user"}


@pytest.mark.parametrize(
    ("levels", "inherits", "cycle"),
    [
        ({"a": None}, {"a": {"a"}}, ("a",)),
        ({"a": None, "b": None}, {"a": {"b"}, "b": {"a"}}, ("a", "b")),
        ({"a": 2, "b": 1}, {"b": {"a"}}, ("a", "b")),
        ({"a": 3, "b": 2, "c": 1}, {"c": {"a"}}, None),
        ({"a": 2, "b": 1, "x": None}, {"b": {"x"}, "x": {"a"}}, ("a", "b", "x")),
        ({"a": 2, "root": 9}, {"a": {"root"}}, ("a", "root")),
        ({"a": None, "root": 9}, {"a": {"root"}}, ("a", "root")),
    ],
)
def test_roles_that_would_be_one_and_the_same_are_refused(levels, inherits, cycle) -> None:
    administrator = "root" if "root" in levels else None
    with pytest.raises(InheritanceError) as caught:
        Inheritance(levels, inherits, administrator=administrator)
    assert cycle is None or caught.value.cycle == cycle
    assert caught.value.fix


def test_unknown_names_are_said() -> None:
    with pytest.raises(ConfigurationError, match="there is no role `b`"):
        RoleSet({"a": 1}, {}, inherits={"a": ["b"]})
    with pytest.raises(ConfigurationError, match="there is no role `b`"):
        RoleSet({"a": 1}, {}, inherits={"b": ["a"]})


def closure(levels, inherits, role):
    """As the definition says it, step by step."""
    held = {role}
    while True:
        more = {name for each in held for name in inherits.get(each, ())}
        more |= {
            name
            for each in held
            for name, level in levels.items()
            if level is not None and levels[each] is not None and level < levels[each]
        }
        if more <= held:
            return held
        held |= more


def test_random_roles_imply_what_the_definition_says() -> None:
    source, sound = random.Random(7), 0
    for _ in range(300):
        names = [f"r{number}" for number in range(source.randint(1, 7))]
        levels = {name: source.choice([None, None, 1, 2, 3]) for name in names}
        inherits = {name: {other for other in names if source.random() < 0.15} for name in names}
        found = {name: closure(levels, inherits, name) for name in names}
        circular = any(
            other != name and name in found[other] and other in found[name]
            for name in names
            for other in found[name]
        ) or any(name in inherits[name] for name in names)
        if circular:
            with pytest.raises(InheritanceError):
                Inheritance(levels, inherits)
            continue
        sound += 1
        order = Inheritance(levels, inherits)
        assert {name: order.implied((name,)) for name in names} == found
        some = source.sample(names, min(2, len(names)))
        assert order.implied(some) == set().union(*(found[name] for name in some))
    assert 50 < sound < 290
