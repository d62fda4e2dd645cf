"""Who can do X, and what can Y do: a policy's answers where only a part of the facts is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from zenith.kernel.records import dataclass
from zenith.policies.conditions import Condition
from zenith.policies.facts import Facts
from zenith.policies.policy import Policy
from zenith.policies.reduction import Rest, reduce
from zenith.policies.rules import Effect, Rule

Answer: TypeAlias = Literal["always", "never", "depends"]
OTHER: Final = "*"
"""Stands for every action that no rule names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rule that may still decide, in the order in which rules do."""

    rule: str
    effect: Effect
    condition: Condition | None
    """What is left to ask; None where the rule is satisfied whatever the rest is."""
    fields: frozenset[str] | None

    def __str__(self) -> str:
        when = "" if self.condition is None else f" if {self.condition}"
        which = "" if self.fields is None else f" {', '.join(sorted(self.fields))}"
        return f"{self.effect}{which}{when} ({self.rule})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a policy says of one action, as far as it can be known."""

    action: str
    answer: Answer
    steps: tuple[Step, ...]
    """The first that is satisfied decides; none denies."""


def actions_of(policy: Policy) -> tuple[str, ...]:
    """The actions that rules name, and `*` if a rule is for every one."""
    named = {action for rule in policy.rules for action in rule.actions or ()}
    every = any(rule.actions is None for rule in policy.rules)
    return (*sorted(named), *((OTHER,) if every else ()))


def grant(
    policy: Policy,
    action: str,
    *,
    subject: object = None,
    resource: object = None,
    context: Mapping[str, Any] | None = None,
) -> Grant:
    """What is left to ask for `action`. What is None is not known, whatever it may be."""
    facts: Facts = (subject, resource, context, action)
    given = zip(("subject", "resource", "context"), facts, strict=False)
    known = {"action", *(root for root, value in given if value is not None)}
    steps = list(_steps(policy, action, facts, known))
    return Grant(action=action, answer=_answer(steps), steps=tuple(steps))


def who_can(
    policy: Policy,
    action: str,
    *,
    resource: object = None,
    context: Mapping[str, Any] | None = None,
) -> Grant:
    """What a subject must be to do `action`, on `resource` or on any."""
    return grant(policy, action, resource=resource, context=context)


def who_can_of(
    policy: Policy,
    action: str,
    subjects: Iterable[Any],
    *,
    resource: object = None,
    context: Mapping[str, Any] | None = None,
) -> list[tuple[Any, Grant]]:
    """Those of `subjects` who can do `action`, always or under conditions."""
    found = [
        (subject, grant(policy, action, subject=subject, resource=resource, context=context))
        for subject in subjects
    ]
    return [(subject, each) for subject, each in found if each.answer != "never"]


def what_can(
    policy: Policy,
    subject: object,
    *,
    resource: object = None,
    context: Mapping[str, Any] | None = None,
) -> list[Grant]:
    """What `subject` can do, action by action; `*` is every action that no rule names."""
    return [
        grant(policy, action, subject=subject, resource=resource, context=context)
        for action in actions_of(policy)
    ]


def _steps(policy: Policy, action: str, facts: Facts, known: set[str]) -> Iterator[Step]:
    rules = [
        rule
        for rule in policy.rules
        if rule.decides and (rule.actions is None or action in rule.actions)
    ]
    if policy.combine == "deny-overrides":
        rules.sort(key=lambda rule: rule.effect == "allow")
    for rule in rules:
        rest = reduce(rule.condition, facts, known)
        if rest is False:
            continue
        yield _step(rule, rest)
        if rest is True:
            return


def _step(rule: Rule, rest: Rest) -> Step:
    return Step(
        rule=rule.name,
        effect=rule.effect,
        condition=None if isinstance(rest, bool) else rest,
        fields=rule.fields,
    )


def _answer(steps: list[Step]) -> Answer:
    allows = [step for step in steps if step.effect == "allow"]
    if not allows:
        return "never"
    surely = steps[-1].condition is None and steps[-1].effect == "allow"
    return "always" if surely and len(allows) == len(steps) else "depends"
