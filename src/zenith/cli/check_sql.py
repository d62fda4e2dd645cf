"""`zenith check-sql`: is there SQL that is put together at run time?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zenith.cli.output import ExitCode, fail, say, show_json
from zenith.query.literal_check import check


def check_sql(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of your application.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find SQL made with f-strings, %, + or format; exit 1 if there is any."""
    for path in paths:
        if not path.exists():
            fail(f"there is no {path}", code=ExitCode.USAGE)
    report = check(paths)
    if as_json:
        findings = [
            {"path": each.path, "line": each.line, "sink": each.sink, "how": each.how}
            for each in report.findings
        ]
        show_json({"findings": findings, "unread": list(report.unread), "files": report.files})
    for finding in () if as_json else report.findings:
        say(str(finding))
    if report.findings:
        fail(
            f"{len(report.findings)} statements are put together at run time",
            fix='bind the values: sql("... WHERE id = :id", id=...)',
        )
    if report.unread:
        fail("not read: " + ", ".join(report.unread), code=ExitCode.USAGE)
    if not as_json:
        say(f"{report.files} files: every statement is written out")
