"""`zenith reports`: what browsers reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from zenith.assembly import Assembly
from zenith.cli.accounts import operator
from zenith.cli.context import run
from zenith.cli.output import say, show, show_json
from zenith.headers import ReportCount

group = typer.Typer(help="Read and forget what browsers reported.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@group.command("list")
def list_reports(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Of how many days.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was reported, the most frequent first."""

    async def work(assembly: Assembly) -> Sequence[ReportCount]:
        return await assembly.reports.totals(days=days, limit=limit)

    found = run(work)
    if as_json:
        show_json({"reports": [_document(each) for each in found]})
        return
    show([_row(each) for each in found], empty="no reports")


@group.command()
def clear() -> None:
    """Forget everything that was reported, after a policy was corrected."""

    async def work(assembly: Assembly) -> int:
        return await assembly.reports.clear(by=operator(assembly).subject)

    count = run(work)
    say(f"forgotten: {count} {'row' if count == 1 else 'rows'}")


def _document(each: ReportCount) -> dict[str, Any]:
    report = each.report
    return {
        "kind": report.kind,
        "directive": report.directive,
        "blocked": report.blocked,
        "document": report.document,
        "source": report.source,
        "disposition": report.disposition,
        "count": each.count,
        "first_seen": each.first_seen,
        "last_seen": each.last_seen,
    }


def _row(each: ReportCount) -> dict[str, Any]:
    report = each.report
    return {
        "times": each.count,
        "kind": report.kind,
        "directive": report.directive or "-",
        "blocked": report.blocked or "-",
        "document": report.document or "-",
        "source": report.source or "-",
        "last": datetime.fromtimestamp(each.last_seen, UTC).strftime("%Y-%m-%d %H:%M"),
    }
