"""What is wrong with a policy that is well formed: rules that never count, and rules too wide.

Threat: a rule that everybody reads and that does nothing, or one that opens more than its author
saw (ASVS 8.1.1, 15.1.5). Nothing is run and no data is needed. What is found is certain, what is
not found may still be there: conditions are compared as far as `implication.py` can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from zenith.kernel.records import dataclass
from zenith.policies.conditions import Comparison, Condition, Exists, Not
from zenith.policies.facts import Facts
from zenith.policies.implication import Conjunction
from zenith.policies.policy import Policy
from zenith.policies.reduction import reduce
from zenith.policies.references import references_of
from zenith.policies.rules import Rule

Kind: TypeAlias = Literal["contradictory", "dead", "shadowed", "redundant", "wide", "unfinished"]

MAX_COMPARED: Final = 1_000_000
"""Pairs of rules that are compared with each other."""
READING: Final = frozenset({"read", "list", "view", "get", "search"})
"""Actions that may be meant for everybody."""
EXCLUDING: Final = frozenset({"not_equals", "not_in", "not_contains"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault, or one thing to look at."""

    kind: Kind
    rule: str
    message: str
    other: str | None = None
    """The rule that is the reason."""

    @property
    def is_error(self) -> bool:
        """Whether a rule has no effect at all; the rest may be meant so."""
        return self.kind in {"contradictory", "dead", "shadowed"}


@dataclass(frozen=True, slots=True)
class _Studied:
    rule: Rule
    conditions: Conjunction
    place: int


def analyze(policy: Policy) -> list[Finding]:
    """Everything that is found, in the order of the rules."""
    studied = [
        _Studied(rule, Conjunction(rule.condition), place)
        for place, rule in enumerate(policy.rules)
    ]
    findings: list[Finding] = []
    possible: list[_Studied] = []
    for each in studied:
        if _is_impossible(each):
            findings.append(
                Finding(
                    kind="contradictory",
                    rule=each.rule.name,
                    message="its conditions are never true together",
                )
            )
        else:
            possible.append(each)
    findings += _dead(possible)
    findings += _overtaken(possible, first_match=policy.combine == "first-match")
    findings += [found for each in possible for found in _wide(each)]
    places = {each.rule.name: each.place for each in studied}
    return sorted(findings, key=lambda finding: places.get(finding.rule, len(places)))


def _is_impossible(each: _Studied) -> bool:
    if each.conditions.is_impossible:
        return True
    rests = [
        reduce(each.rule.condition, _facts(action), {"action"})
        for action in each.rule.actions or ()
    ]
    return bool(rests) and all(rest is False for rest in rests)


def _facts(action: str) -> Facts:
    return None, None, None, action


def _dead(rules: Sequence[_Studied]) -> Iterator[Finding]:
    """Denials of what nothing allows."""
    allows = [each.rule for each in rules if each.rule.effect == "allow"]
    for each in rules:
        rule = each.rule
        if rule.effect == "allow":
            continue
        concerned = [allow for allow in allows if _meet(allow, rule)]
        if not concerned:
            yield Finding(
                kind="dead", rule=rule.name, message="it denies what no rule allows anyway"
            )
        elif rule.fields is not None and all(
            allow.fields is not None and not allow.fields & rule.fields for allow in concerned
        ):
            yield Finding(kind="dead", rule=rule.name, message="it hides fields that no rule shows")


def _overtaken(rules: Sequence[_Studied], *, first_match: bool) -> Iterator[Finding]:
    """Rules that another one leaves nothing to say."""
    compared = 0
    for each in rules:
        for other in rules:
            compared += 1
            if compared > MAX_COMPARED:
                yield Finding(
                    kind="unfinished",
                    rule=each.rule.name,
                    message="there are too many rules to compare this one and those after it",
                )
                return
            if other is each or not _covers(other, each, first_match=first_match):
                continue
            if not all(map(each.conditions.implies, other.conditions.parts)):
                continue
            same = other.rule.effect == each.rule.effect
            yield Finding(
                kind="shadowed" if first_match or not same else "redundant",
                rule=each.rule.name,
                message="wherever it is satisfied, another rule has decided"
                if first_match or not same
                else "wherever it is satisfied, another rule says the same",
                other=other.rule.name,
            )
            break


def _covers(other: _Studied, each: _Studied, *, first_match: bool) -> bool:
    """Whether `other`, where it is satisfied, leaves nothing to say to `each`."""
    wide, narrow = other.rule, each.rule
    if wide.actions is not None and not (narrow.actions or {""}) <= wide.actions:
        return False
    if first_match:
        if other.place > each.place or (wide.fields is not None and wide.fields != narrow.fields):
            return False
        return wide.decides or not narrow.decides
    if wide.effect != narrow.effect:
        return wide.effect == "deny" and wide.fields is None
    if wide.fields is not None and (narrow.fields is None or not narrow.fields <= wide.fields):
        return False
    # Of two that say the same, the later one is told.
    return other.place < each.place or not _same_conditions(other, each)


def _same_conditions(other: _Studied, each: _Studied) -> bool:
    return (
        other.rule.actions == each.rule.actions
        and other.rule.fields == each.rule.fields
        and all(map(other.conditions.implies, each.conditions.parts))
    )


def _meet(one: Rule, two: Rule) -> bool:
    return one.actions is None or two.actions is None or bool(one.actions & two.actions)


def _wide(each: _Studied) -> Iterator[Finding]:
    rule, parts = each.rule, each.conditions.parts
    if rule.effect == "deny":
        return
    if not parts:
        what = "every action" if rule.actions is None else ", ".join(sorted(rule.actions))
        yield Finding(
            kind="wide", rule=rule.name, message=f"it allows {what} to everybody, on everything"
        )
        return
    asks_subject = any(
        reference.root in {"subject", "context"}
        for part in parts
        for reference in references_of(part)
    )
    if not asks_subject and (rule.actions is None or not rule.actions <= READING):
        yield Finding(
            kind="wide", rule=rule.name, message="it asks nothing of the subject: anybody may"
        )
    elif all(map(_excludes, parts)):
        yield Finding(
            kind="wide",
            rule=rule.name,
            message="it only says who is left out: whatever is added later is allowed",
        )
    elif rule.actions is None:
        yield Finding(
            kind="wide",
            rule=rule.name,
            message="it is for every action, those that are added later too",
        )


def _excludes(part: Condition) -> bool:
    if isinstance(part, Comparison):
        return part.operator in EXCLUDING
    return isinstance(part, Not) and not isinstance(part.condition, Exists)
