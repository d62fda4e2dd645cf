"""How `zenith audit` shows what it found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from zenith.audit.findings import Finding
from zenith.audit.verification import VerificationReport
from zenith.cli.output import say, show

SHOWN: Final = 50
"""Findings shown on a screen; JSON has more."""


def report_document(report: VerificationReport) -> dict[str, Any]:
    """For programs."""
    return {
        "holds": report.holds,
        "stream": report.stream,
        "events": report.events,
        "seals": report.seals,
        "head": None
        if report.head is None
        else {"number": report.head.number, "hash": report.head.hash.hex()},
        "checkpoints": report.checkpoints,
        "tombstones": report.tombstones,
        "pruned": report.pruned,
        "awaiting_seal": report.awaiting,
        "damages": report.damages,
        "findings": [_finding(each) for each in report.findings],
    }


def show_report(report: VerificationReport) -> None:
    """For people."""
    damages = [each for each in report.findings if each.is_damage]
    show([_row(each) for each in damages[:SHOWN]], empty="nothing was changed, removed or added")
    if report.damages > SHOWN:
        say(f"and {report.damages - SHOWN} more; --json lists up to 1000 of each kind")
    say(
        f"{report.events} events in {report.seals} seals of `{report.stream}`, "
        f"{report.checkpoints} checkpoints fit"
    )
    if report.pruned:
        say(f"{report.pruned} events were pruned, as {report.tombstones} tombstones prove")
    if report.awaiting:
        say(f"{report.awaiting} events await their seal: a running server seals them in a minute")
    if not report.checkpoints and report.seals:
        say("no checkpoint: that nothing was cut off at the end is not proven", style="yellow")


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "kind": str(found.kind),
        "reason": found.reason,
        "sequence": found.sequence,
        "event_id": found.event_id,
        "seal": found.seal,
        "at": None if found.at is None else _iso(found.at),
    }


def _row(found: Finding) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in _finding(found).items()}


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return repr(seconds)
