"""What `zenith policy` prints: for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from zenith.cli.output import say, show_json
from zenith.policies.analysis import Finding
from zenith.policies.dry_run import Change, DryRun
from zenith.policies.grants import Grant
from zenith.policies.policy import Policy
from zenith.policies.store import Activation, PolicyVersion, RecordedDecision

SHOWN: Final = 20
"""Decisions that are listed for people; programs get all."""


def say_findings(policy: Policy, findings: Sequence[Finding]) -> None:
    """What was found in one policy."""
    rules = len(policy.rules)
    say(f"{policy.name}: {rules} {'rule' if rules == 1 else 'rules'}", style="bold")
    for each in findings:
        because = "" if each.other is None else f" ({each.other})"
        say(f"  {'error' if each.is_error else 'look'}  {each.rule}: {each.message}{because}")
    if not findings:
        say("  nothing found")


def show_grants(grants: Sequence[Grant], *, as_json: bool) -> None:
    """Answers, with the rules that are left."""
    if as_json:
        show_json([grant_document(each) for each in grants])
        return
    for each in grants:
        say(f"{each.action}: {each.answer}", style="bold")
        for step in each.steps:
            say(f"  {step}")


def say_dry_run(found: DryRun) -> None:
    """What would change."""
    say(
        f"{found.asked} decisions: {len(found.opened)} would open, {len(found.closed)} would "
        f"close, {len(found.undecided)} cannot be told"
    )
    for change in found.changed[:SHOWN]:
        word = "allowed" if change.allowed else "denied"
        say(f"  {word} by {change.rule or 'no rule'}: {_question(change.decision)}")
    for each in found.undecided[:SHOWN]:
        say(f"  not recorded {', '.join(each.missing)}: {_question(each.decision)}")


def _question(decision: RecordedDecision) -> str:
    return f"{decision.action} {json.dumps(dict(decision.facts), ensure_ascii=False)}"


def dry_run_document(found: DryRun) -> dict[str, Any]:
    """What would change, for programs."""
    return {
        "asked": found.asked,
        "opened": [_change(change) for change in found.opened],
        "closed": [_change(change) for change in found.closed],
        "undecided": [
            {**_decision(each.decision), "missing": list(each.missing)} for each in found.undecided
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    return {**_decision(change.decision), "would_be": change.allowed, "rule": change.rule}


def _decision(decision: RecordedDecision) -> dict[str, Any]:
    return {
        "version": decision.number,
        "at": moment(decision.at),
        "action": decision.action,
        "was": decision.allowed,
        "facts": dict(decision.facts),
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """One finding, for programs."""
    return {
        "kind": finding.kind,
        "error": finding.is_error,
        "rule": finding.rule,
        "message": finding.message,
        "because_of": finding.other,
    }


def grant_document(grant: Grant) -> dict[str, Any]:
    """One answer, for programs."""
    return {
        "action": grant.action,
        "answer": grant.answer,
        "rules": [
            {
                "rule": step.rule,
                "effect": step.effect,
                "if": None if step.condition is None else str(step.condition),
                "fields": None if step.fields is None else sorted(step.fields),
            }
            for step in grant.steps
        ],
    }


def version_document(version: PolicyVersion) -> dict[str, Any]:
    """One version, for programs."""
    return {
        "policy": version.policy,
        "version": version.number,
        "format": version.format,
        "digest": version.digest,
        "written_at": moment(version.created_at),
        "written_by": version.created_by,
        "reason": version.reason,
    }


def activation_document(activation: Activation) -> dict[str, Any]:
    """What came into force, for programs."""
    return {
        "policy": activation.policy,
        "version": activation.number,
        "revision": activation.revision,
        "activated_at": moment(activation.activated_at),
        "activated_by": activation.activated_by,
        "reason": activation.reason,
    }


def moment(seconds: float) -> str:
    """As ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
