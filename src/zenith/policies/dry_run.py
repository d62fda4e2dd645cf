"""What another version would have said: on decisions that were recorded, before it is in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zenith.kernel.records import dataclass
from zenith.policies.conditions import All, Any_, Condition, Exists, Not
from zenith.policies.explanation import Explanation, RuleReport
from zenith.policies.policy import Policy
from zenith.policies.recording import decoded
from zenith.policies.store import RecordedDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision that would be another one."""

    decision: RecordedDecision
    allowed: bool
    """What the new version says."""
    rule: str | None
    """By which of its rules; None where none is satisfied, which denies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A decision for which the new version needs attributes that were not recorded."""

    decision: RecordedDecision
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a new version would change."""

    asked: int
    changed: tuple[Change, ...]
    undecided: tuple[Undecided, ...]

    @property
    def opened(self) -> tuple[Change, ...]:
        """Decisions that were denials and would allow."""
        return tuple(change for change in self.changed if change.allowed)

    @property
    def closed(self) -> tuple[Change, ...]:
        """Decisions that allowed and would be denials."""
        return tuple(change for change in self.changed if not change.allowed)


def dry_run(
    candidate: Policy, decisions: Iterable[RecordedDecision], *, against: Policy | None = None
) -> DryRun:
    """Ask `candidate` what was asked before. Its answers are compared with the recorded ones, or
    with what `against` says of the same facts: the difference of two versions.

    Threat: a change of rules that opens more than was meant, found out in production. What was not
    recorded is never guessed: where it could matter, the decision is undecided.
    """
    asked = 0
    changed: list[Change] = []
    undecided: list[Undecided] = []
    for decision in decisions:
        asked += 1
        found = _ask(candidate, decision)
        missing = _unrecorded(candidate, decision, found)
        before = decision.allowed
        if against is not None:
            former = _ask(against, decision)
            missing = (*missing, *_unrecorded(against, decision, former))
            before = former.decision
        if missing:
            names = tuple(sorted(set(missing)))
            undecided.append(Undecided(decision=decision, missing=names))
        elif found.decision is not before:
            changed.append(Change(decision=decision, allowed=found.decision, rule=found.rule))
    return DryRun(asked=asked, changed=tuple(changed), undecided=tuple(undecided))


def facts_of(decision: RecordedDecision) -> Mapping[str, dict[str, Any]]:
    """The recorded attributes as the dictionaries that a policy takes."""
    roots: dict[str, dict[str, Any]] = {"subject": {}, "resource": {}, "context": {}}
    for name, value in decision.facts.items():
        *path, last = name.split(".")
        at: dict[str, Any] = roots
        for segment in path:
            inner = at.get(segment)
            # `subject.team` may have been recorded beside `subject.team.id`.
            at = at.setdefault(segment, {}) if isinstance(inner, dict | None) else {}
        if value is not None:
            at[last] = decoded(value)
    return roots


def _ask(policy: Policy, decision: RecordedDecision) -> Explanation:
    facts = facts_of(decision)
    return policy.explain(facts["subject"], facts["resource"], decision.action, facts["context"])


def _unrecorded(policy: Policy, decision: RecordedDecision, found: Explanation) -> tuple[str, ...]:
    """Attributes that could have decided otherwise, had they been recorded."""
    rules = {rule.name: rule for rule in policy.rules}
    names: set[str] = set()
    for report in _that_matter(policy, found):
        names.update(_existence(rules[report.rule].condition))
        if not report.failed:
            names.update(report.missing)
    return tuple(name for name in names if name not in decision.facts)


def _that_matter(policy: Policy, found: Explanation) -> Iterator[RuleReport]:
    """Rules that decided, and those that would have decided instead."""
    for report in found.rules:
        if not report.decides:
            continue
        if report.rule == found.rule:
            yield report
            if policy.combine == "first-match" or report.effect == "deny":
                return
        elif policy.combine == "first-match" or report.effect == "deny" or found.rule is None:
            yield report


def _existence(condition: Condition) -> Iterator[str]:
    """Attributes that are asked for their existence: what was not recorded seems absent."""
    match condition:
        case Exists():
            yield str(condition.reference)
        case Not():
            yield from _existence(condition.condition)
        case All() | Any_():
            for each in condition.conditions:
                yield from _existence(each)
        case _:
            pass
