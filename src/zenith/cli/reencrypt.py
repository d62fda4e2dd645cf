"""`zenith keys reencrypt`: every value under the active key, while the tables are in use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from zenith.app import Zenith
from zenith.cli.encryption_keys import wait
from zenith.cli.key_events import Record, recorded, tell_unrecorded
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.cli.progress import Bar
from zenith.cli.routes import load_application
from zenith.encryption import DecryptionError
from zenith.kernel.events import EventType
from zenith.stores.sql import ModelDatabase, current
from zenith.stores.sql.reencryption import Reencryption, TableReport
from zenith.stores.sql.reencryption_bookmark import Bookmark

T = TypeVar("T")
BOOKMARK: Final = "reencrypt.json"
Application = Annotated[
    str, typer.Argument(help="Module and attribute of the application, such as main:app.")
]


@dataclass(frozen=True, slots=True)
class Target:
    """What an application has encrypted."""

    models: ModelDatabase
    app: Zenith | None

    @property
    def home(self) -> Path:
        """Where the place is kept that a re-encryption got to."""
        return Path(".zenith") if self.app is None else self.app.settings.home

    async def use(self, work: Callable[[], Awaitable[T]], *, create: bool) -> T:
        """Do something with the databases, and close them."""
        try:
            if create and self.models.is_new:
                await self.models.prepare()
            else:
                await self.models.check_tables()
            return await work()
        finally:
            await self.models.close()
            if self.app is not None:
                await self.app.assembly.database.close()

    async def has_subjects(self) -> bool:
        """Whether there may be keys of subjects."""
        app = self.app
        if app is None or not app.assembly.encryption.has_keys:
            return False
        return await current(app.assembly.database) is not None


def reencrypt(
    application: Application,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last one was interrupted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bring every encrypted value under the active key, and verify all; exit 1 if one is left.

    Tables stay in use. It may be killed at any moment and begun again.
    """
    target = target_of(application)
    bookmark = Bookmark(target.home / BOOKMARK, resume=resume)
    with Bar("re-encrypt", total=1) as bar:
        work = Reencryption(
            target.models.engine,
            target.models.metadata.sorted_tables,
            bookmark=bookmark,
            tell=lambda report: _move(bar, report),
        )

        async def all_of_it() -> tuple[list[TableReport], int]:
            reports = await work.run()
            count = 0
            if target.app is not None and await target.has_subjects():
                count = await target.app.subject_keys.reencrypt()
            return reports, count

        reports, subjects = _unless_broken(target, all_of_it)
    reason = _record(target, application, reports, subjects)
    if as_json:
        tables = [_document(report) for report in reports]
        told = {"resumed": bookmark.resumed, "subject_keys": subjects, "tables": tables}
        show_json({**told, "recorded": not reason})
    else:
        _say(reports, subjects)
        tell_unrecorded(reason)
        if resume and not bookmark.resumed:
            say("there was nothing to resume: all tables were gone through")
    _refuse(reports)


def refuse_needed(application: str) -> None:
    """End the command if a value of the application still needs a former key."""
    target = target_of(application)
    work = Reencryption(target.models.engine, target.models.metadata.sorted_tables)

    async def look() -> tuple[list[TableReport], int]:
        app = target.app
        count = 0
        if app is not None and await target.has_subjects():
            count = await app.subject_keys.count_former()
        return await work.check(), count

    # Never in a database that is made for it: no row there needs any key.
    reports, subjects = _unless_broken(target, look, create=False)
    _refuse(reports)
    if subjects:
        fail(
            f"{subjects} subject keys are wrapped under a former key",
            fix=f"zenith keys reencrypt {application}",
        )


def target_of(name: str) -> Target:
    """The application, or a ModelDatabase where there is none of Zenith's."""
    found = load_application(name)
    if isinstance(found, ModelDatabase):
        return Target(found, None)
    if not isinstance(found, Zenith):
        fail(
            f"`{name}` is no Zenith application",
            fix="name one, or a zenith.stores.sql.ModelDatabase of the tables",
            code=ExitCode.USAGE,
        )
    return Target(found.models, found)


def _unless_broken(
    target: Target,
    work: Callable[[], Awaitable[tuple[list[TableReport], int]]],
    *,
    create: bool = True,
) -> tuple[list[TableReport], int]:
    try:
        return wait(target.use(work, create=create))
    except DecryptionError:
        fail("a subject key does not open", fix="restore the key that it was wrapped under")


def _record(target: Target, application: str, reports: Sequence[TableReport], subjects: int) -> str:
    """Record the end; why that is not possible, empty where it is."""
    if target.app is None:
        return "it was no Zenith application"
    is_clean = all(report.is_clean for report in reports)
    details = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("seen", "renewed", "left", "broken")
    }

    async def work(record: Record) -> None:
        await record(
            EventType.VALUES_REENCRYPTED,
            application,
            outcome="success" if is_clean else "failure",
            tables=[report.table for report in reports],
            subject_keys=subjects,
            **details,
        )

    return recorded(target.app.settings, work)[1]


def _move(bar: Bar, report: TableReport) -> None:
    bar.show(report.seen, text=f"{report.step} {report.table}", total=max(report.total, 1))


def _say(reports: Sequence[TableReport], subjects: int) -> None:
    show([_row(report) for report in reports], empty="no encrypted columns")
    if subjects:
        say(f"subject keys: {subjects} wrapped anew")


def _refuse(reports: Sequence[TableReport]) -> None:
    broken = [report for report in reports if report.broken]
    for report in broken:
        say(f"{report.table}: does not open: {', '.join(report.broken_rows)}")
    if broken:
        fail(
            f"{sum(report.broken for report in broken)} rows do not open, or clash in an index",
            fix="restore the key they were encrypted under, or correct these rows",
        )
    left = sum(report.left for report in reports)
    if left:
        fail(
            f"{left} rows still need a former key",
            fix="restart what runs with former keys, then `zenith keys reencrypt`",
        )


def _document(report: TableReport) -> dict[str, Any]:
    return {
        "table": report.table,
        "rows": report.seen,
        "renewed": report.renewed,
        "left": report.left,
        "broken": report.broken,
        "broken_rows": report.broken_rows,
    }


def _row(report: TableReport) -> dict[str, Any]:
    shown = _document(report)
    del shown["broken_rows"]
    return shown
