"""Findings about rules, and who can do what."""

from __future__ import annotations

from typing import Any

import pytest

from zenith.policies import Policy, Rule, analyze, what_can, who_can, who_can_of
from zenith.policies import analysis as module
from zenith.policies.conditions import All, Any_, Comparison, Exists, Literal, Not, Reference
from zenith.policies.grants import actions_of
from zenith.policies.implication import Conjunction
from zenith.policies.reduction import reduce

SIZE, TITLE = Reference("resource", ("size",)), Reference("resource", ("title",))
WHO = Reference("subject", ("id",))
MINE = Comparison("equals", WHO, Reference("resource", ("owner",)))


def size(operator: str, value: Any) -> Comparison:
    return Comparison(operator, SIZE, Literal(value))


def title(operator: str, value: Any) -> Comparison:
    return Comparison(operator, TITLE, Literal(value))


@pytest.mark.parametrize(
    "parts",
    [
        (size("greater_than", 5), size("less_than", 3)),
        (size("greater_than", 5), size("at_most", 5)),
        (size("equals", 1), size("equals", 2)),
        (size("equals", 1), size("equals", True)),
        (size("equals", 1), size("not_equals", 1.0)),
        (size("in", [1, 2]), size("greater_than", 2)),
        (size("in", []),),
        (size("greater_than", 5), size("starts_with", "a")),
        (title("equals", "a"), Not(title("equals", "a"))),
        (title("matches", "a"), Not(title("matches", "a"))),
        (Exists(TITLE), Not(Exists(TITLE))),
        (Not(Exists(WHO)), MINE),
        (Any_(()),),
        (Any_((size("equals", 1),)), size("equals", 2)),
        (Any_((size("in", []), All((size("equals", 1), size("equals", 2))))),),
        (Not(All(())),),
        (Not(Any_((size("equals", 1), Not(size("equals", 1))))),),
    ],
)
def test_what_is_never_true_is_found(parts: tuple[Any, ...]) -> None:
    assert Conjunction(All(parts)).is_impossible


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (size("greater_than", 3), size("less_than", 5)),
        (size("at_least", 5), size("at_most", 5)),
        (size("equals", 1), size("greater_than", 0.5)),
        (size("contains", "a"), size("contains", "b")),
        (size("not_equals", 1), size("not_equals", 2)),
        (Not(Not(MINE)), Not(Exists(TITLE))),
        (Any_((size("in", []), MINE)),),
        (title("greater_than", "a"), size("less_than", 5)),
    ],
)
def test_what_may_be_true_is_left_alone(parts: tuple[Any, ...]) -> None:
    assert not Conjunction(All(parts)).is_impossible


@pytest.mark.parametrize(
    ("known", "follows"),
    [
        (size("greater_than", 5), size("greater_than", 3)),
        (size("greater_than", 5), size("at_least", 5)),
        (size("less_than", 3), size("at_most", 5)),
        (size("equals", 7), size("greater_than", 5)),
        (size("in", [7, 8]), size("not_in", [1, 2])),
        (title("equals", "abc"), title("starts_with", "a")),
        (MINE, Exists(WHO)),
        (MINE, Any_((MINE, size("equals", 1)))),
        (All((MINE, size("equals", 1))), All((size("at_most", 1), MINE))),
        (Any_((size("equals", 1), size("equals", 2))), size("at_most", 2)),
        (size("equals", 1), Not(Any_((size("equals", 2), size("equals", 3))))),
    ],
)
def test_what_follows_is_found(known: Any, follows: Any) -> None:
    assert Conjunction(known).implies(follows)


@pytest.mark.parametrize(
    ("known", "other"),
    [
        (size("greater_than", 3), size("greater_than", 5)),
        (size("at_least", 5), size("greater_than", 5)),
        (size("greater_than", 5), size("greater_than", "a")),
        (size("greater_than", 5), size("less_than", 9)),
        (size("equals", 1), size("equals", True)),
        (size("equals", 1), title("equals", 1)),
        (MINE, Comparison("equals", TITLE, WHO)),
        (Exists(SIZE), Exists(TITLE)),
        (Any_((size("equals", 1), MINE)), size("equals", 1)),
        (Any_(()), MINE),
        (size("equals", 1), Not(title("matches", "a"))),
        (size("not_equals", 1), size("greater_than", 5)),
    ],
)
def test_what_does_not_follow_is_not_claimed(known: Any, other: Any) -> None:
    assert not Conjunction(known).implies(other)


def rule(
    name: str, *parts: Any, effect: Any = "allow", actions: Any = ("read",), fields: Any = None
):
    return Rule(
        name=name,
        effect=effect,
        actions=None if actions is None else frozenset(actions),
        condition=All(parts),
        fields=None if fields is None else frozenset(fields),
    )


SMALL, SMALLER = size("less_than", 9), size("less_than", 5)
LOCKED = title("equals", "locked")
ACTION = Comparison("equals", Reference("action", ("name",)), Literal("write"))


@pytest.mark.parametrize(
    ("rules", "combine", "expected"),
    [
        ([rule("a", size("in", []), MINE)], "", [("contradictory", "a", None)]),
        ([rule("a", ACTION, MINE)], "", [("contradictory", "a", None)]),
        ([rule("a", ACTION, MINE, actions=("read", "write"))], "", []),
        ([rule("a", MINE), rule("d", LOCKED, effect="deny", actions=("write",))], "",
         [("dead", "d", None)]),
        ([rule("a", MINE), rule("d", LOCKED, effect="deny")], "", []),
        ([rule("a", MINE, fields=["x"]), rule("d", LOCKED, effect="deny", fields=["y"])], "",
         [("dead", "d", None)]),
        ([rule("a", MINE), rule("d", LOCKED, effect="deny", fields=["y"])], "", []),
        ([rule("a", SMALLER, MINE), rule("d", SMALL, effect="deny")], "",
         [("shadowed", "a", "d")]),
        ([rule("a", SMALLER, MINE), rule("b", SMALL, MINE)], "", [("redundant", "a", "b")]),
        ([rule("a", MINE), rule("b", MINE)], "", [("redundant", "b", "a")]),
        ([rule("a", MINE), rule("b", MINE, actions=("read", "write"))], "",
         [("redundant", "a", "b")]),
        ([rule("a", MINE, fields=["x"]), rule("b", MINE, fields=["x", "y"])], "",
         [("redundant", "a", "b")]),
        ([rule("a", MINE, fields=["x"]), rule("b", MINE, fields=["y"])], "", []),
        ([rule("a", MINE), rule("b", SMALL, MINE, effect="deny")], "first-match",
         [("shadowed", "b", "a")]),
        ([rule("b", SMALL, MINE, effect="deny"), rule("a", MINE)], "first-match", []),
        ([rule("a", MINE, fields=["x"]), rule("b", MINE)], "first-match", []),
        ([rule("d", MINE, effect="deny", fields=["x"]), rule("a", MINE, fields=["x"])],
         "first-match", []),
        ([rule("a")], "", [("wide", "a", None)]),
        ([rule("a", actions=None)], "", [("wide", "a", None)]),
        ([rule("a", SMALL, actions=("write",))], "", [("wide", "a", None)]),
        ([rule("a", SMALL)], "", []),
        ([rule("a", Comparison("not_equals", WHO, Literal("x")))], "", [("wide", "a", None)]),
        ([rule("a", Not(MINE), Not(title("matches", "x")))], "", [("wide", "a", None)]),
        ([rule("a", Not(Exists(WHO)))], "", []),
        ([rule("a", MINE, actions=None)], "", [("wide", "a", None)]),
    ],
)  # fmt: skip
def test_findings(rules: Any, combine: Any, expected: Any) -> None:
    found = analyze(Policy("p", rules, combine=combine or "deny-overrides"))
    assert [(each.kind, each.rule, each.other) for each in found] == expected
    assert all(each.is_error is (each.kind not in {"wide", "redundant"}) for each in found)


def test_too_many_rules_are_not_compared_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COMPARED", 2)
    found = analyze(Policy("p", [rule("a", MINE), rule("b", SMALL), rule("c", MINE)]))
    assert [each.kind for each in found] == ["unfinished"]


def test_what_somebody_can_do() -> None:
    policy = Policy(
        "p",
        [
            rule("mine", MINE),
            rule("locked", LOCKED, effect="deny", actions=("write",)),
            rule("write", MINE, actions=("write",), fields=["title"]),
            rule("admin", Comparison("equals", WHO, Literal("root")), actions=None),
        ],
    )
    assert actions_of(policy) == ("read", "write", "*")
    ada = {each.action: each for each in what_can(policy, {"id": "ada"})}
    assert {name: each.answer for name, each in ada.items()} == {
        "read": "depends",
        "write": "depends",
        "*": "never",
    }
    assert str(ada["read"].steps[0]) == 'allow if resource.owner equals "ada" (mine)'
    assert str(ada["write"].steps[1]) == 'allow title if resource.owner equals "ada" (write)'
    root = {each.action: each.answer for each in what_can(policy, {"id": "root"})}
    assert root == {"read": "always", "write": "depends", "*": "always"}
    known = what_can(policy, {"id": "ada"}, resource={"owner": "ada", "title": "x"}, context={})
    assert [each.answer for each in known] == ["always", "always", "never"]


def test_who_can_do_something() -> None:
    policy = Policy("p", [rule("mine", MINE), rule("locked", LOCKED, effect="deny")])
    found = who_can(policy, "read", resource={"owner": "ada", "title": "x"})
    assert [str(step) for step in found.steps] == ['allow if subject.id equals "ada" (mine)']
    assert who_can(policy, "write").answer == "never"
    assert who_can(policy, "read", resource={"owner": "ada", "title": "locked"}).answer == "never"
    people = [{"id": "ada"}, {"id": "bob"}]
    can = who_can_of(policy, "read", people, resource={"owner": "ada"})
    assert [(person["id"], each.answer) for person, each in can] == [("ada", "always")]


@pytest.mark.parametrize(
    ("condition", "subject", "left"),
    [
        (MINE, {}, False),
        (Not(MINE), {}, False),
        (MINE, {"id": "ada"}, 'resource.owner equals "ada"'),
        (MINE, {"id": object()}, "subject.id equals resource.owner"),
        (Comparison("less_than", WHO, SIZE), {"id": 5}, "resource.size greater_than 5"),
        (Comparison("less_than", SIZE, WHO), {"id": 5}, "resource.size less_than 5"),
        (Comparison("contains", WHO, SIZE), {"id": [5]}, "subject.id contains resource.size"),
        (Comparison("equals", SIZE, TITLE), {}, "resource.size equals resource.title"),
        (Exists(SIZE), {}, "resource.size exists"),
        (Exists(WHO), {}, False),
        (All((Exists(WHO), Exists(SIZE))), {"id": 1}, "resource.size exists"),
        (
            Any_((Exists(SIZE), Exists(TITLE))),
            {},
            "any(resource.size exists; resource.title exists)",
        ),
        (Not(Exists(SIZE)), {}, "resource.size missing"),
    ],
)
def test_what_is_left_to_ask(condition: Any, subject: Any, left: Any) -> None:
    rest = reduce(condition, (subject, None, None, "read"), {"subject", "action"})
    assert (rest if isinstance(rest, bool) else str(rest)) == left
