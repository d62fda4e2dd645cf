"""Why a decision is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from zenith.kernel.records import dataclass
from zenith.policies.compilation import Check, compile_condition
from zenith.policies.conditions import Comparison, Condition, Exists, Not, Reference
from zenith.policies.facts import Facts, is_there, reader
from zenith.policies.limits import MAX_NAME
from zenith.policies.rules import Combine, Effect, Rule
from zenith.policies.values import Truth

MAX_REASON: Final = 4_000
"""Characters of the text for the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """What one rule for the action says. Conditions are texts; values of attributes are not in
    them, for they may be personal or secret.
    """

    rule: str
    effect: Effect
    satisfied: bool
    decides: bool
    """False for a rule that hides fields only."""
    matched: tuple[str, ...]
    """Conditions that are true."""
    failed: tuple[str, ...]
    """Conditions that are false."""
    unknown: tuple[str, ...]
    """Conditions whose attributes are missing or of a kind that they do not compare."""
    missing: tuple[str, ...]
    """Attributes of unknown conditions that are absent or null."""

    def __str__(self) -> str:
        parts = [
            f"{self.rule} ({self.effect}): {'satisfied' if self.satisfied else 'not satisfied'}"
        ]
        parts += [
            f"{name} {'; '.join(texts)}"
            for name, texts in (
                ("true:", self.matched),
                ("false:", self.failed),
                ("unknown:", self.unknown),
                ("missing:", self.missing),
            )
            if texts
        ]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision with its whole why. `detail` may be shown to the caller, the rest is for audit."""

    policy: str
    action: str
    decision: bool
    rule: str | None
    """The rule that decided; None where no rule was satisfied, which denies."""
    rules: tuple[RuleReport, ...]
    """Every rule for the action, in the policy's order."""

    def __bool__(self) -> bool:
        return self.decision

    @property
    def missing(self) -> tuple[str, ...]:
        """Attributes that were asked for, are absent or null, and left a condition unknown."""
        return tuple(dict.fromkeys(name for report in self.rules for name in report.missing))

    @property
    def detail(self) -> str:
        """Safe to show: what was denied, nothing of rules and facts (ASVS 16.5.1)."""
        return "" if self.decision else f"Permission denied: {_shown(self.action)}"

    @property
    def reason(self) -> str:
        """For the audit log: the rule that decided and what each rule lacked, in bounded length."""
        verb = "allowed" if self.decision else "denied"
        decided = f"policy {self.policy}: {_shown(self.action)} {verb}"
        if self.rule is not None:
            report = next(report for report in self.rules if report.rule == self.rule)
            return _bounded(f"{decided} by {report}")
        if not self.rules:
            return _bounded(f"{decided}: no rule names this action")
        return _bounded(f"{decided}: no rule is satisfied: " + " | ".join(map(str, self.rules)))


def explain(
    policy: str,
    rules: Iterable[Rule],
    combine: Combine,
    facts: Facts,
    *,
    known: dict[str, tuple[Check, ...]],
    at_most: int | None = None,
) -> Explanation:
    """Ask every rule for the action, whether it decides or not, up to `at_most` of them.

    `known` holds what was compiled before, by the names of the rules.
    """
    action = facts[3]
    mine = (rule for rule in rules if rule.actions is None or action in rule.actions)
    reports = tuple(_report(rule, facts, known) for rule in islice(mine, at_most))
    deciding = _deciding(reports, combine)
    return Explanation(
        policy=policy,
        action=action,
        decision=deciding is not None and deciding.effect == "allow",
        rule=None if deciding is None else deciding.rule,
        rules=reports,
    )


def _deciding(reports: Sequence[RuleReport], combine: Combine) -> RuleReport | None:
    satisfied = [report for report in reports if report.satisfied and report.decides]
    if combine == "deny-overrides":
        satisfied.sort(key=lambda report: report.effect == "allow")
    return satisfied[0] if satisfied else None


def _report(rule: Rule, facts: Facts, known: dict[str, tuple[Check, ...]]) -> RuleReport:
    conditions = rule.condition.conditions
    checks = known.get(rule.name)
    if checks is None:
        checks = known[rule.name] = tuple(map(compile_condition, conditions))
    found: dict[Truth, list[str]] = {True: [], False: [], None: []}
    missing: dict[str, None] = {}
    for condition, check in zip(conditions, checks, strict=True):
        truth = check(facts)
        found[truth].append(str(condition))
        if truth is None:
            missing.update(
                (str(each), None)
                for each in _references(condition)
                if not is_there(reader(each)(facts))
            )
    return RuleReport(
        rule=rule.name,
        effect=rule.effect,
        satisfied=not found[False] and not found[None],
        decides=rule.decides,
        matched=tuple(found[True]),
        failed=tuple(found[False]),
        unknown=tuple(found[None]),
        missing=tuple(missing),
    )


def _references(condition: Condition) -> Iterator[Reference]:
    if isinstance(condition, Comparison):
        yield condition.left
        if isinstance(condition.right, Reference):
            yield condition.right
    elif isinstance(condition, Exists):
        yield condition.reference
    elif isinstance(condition, Not):
        yield from _references(condition.condition)
    else:
        for each in condition.conditions:
            yield from _references(each)


def _shown(action: str) -> str:
    """One line, whatever was asked for."""
    text = action[:MAX_NAME]
    return text if text.isprintable() else ascii(text)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 1]}…"
