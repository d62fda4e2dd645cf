"""`zenith audit`: prove, prune and export the audit log."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from zenith.assembly import Assembly
from zenith.assembly.audit_log import AuditParts
from zenith.audit.checkpoint_file import CheckpointFile
from zenith.audit.errors import BrokenLogError
from zenith.audit.keys import PublicKeys
from zenith.audit.proof import ProofFile, proof_lines
from zenith.audit.retention import Pruned
from zenith.audit.verification import Verification, VerificationReport
from zenith.cli.accounts import operator
from zenith.cli.audit_output import report_document, show_report
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, fail_with, say, show_json
from zenith.cli.progress import Bar
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import Event, EventType

DAY: Final = 86_400.0
LAST: Final = 4_102_444_800.0
"""No seal is as late: the year 2100."""
_AGE: Final = re.compile(r"([1-9][0-9]{0,5})d")
group = typer.Typer(help="Search, prove, prune and export the audit log.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--public-key", help="Hex, as `audit key` prints it: needs no other key then."),
]


@group.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export; without, the log in the database.")
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="File of checkpoints, if not the one in the settings.")
    ] = None,
    public_key: Keys = None,
    as_json: AsJson = False,
) -> None:
    """Find what was edited, removed, inserted, reordered, cut or forked; exit 1 if anything was."""
    try:
        if file is None:
            report = _verify_database(checkpoints)
        else:
            report = _verify_file(file, public_key or [])
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}", code=ExitCode.USAGE)
    except ConfigurationError as error:
        fail_with(error)
    if as_json:
        show_json(report_document(report))
    else:
        show_report(report)
    if not report.holds:
        fail(
            f"the log is not as it was written: {report.damages} findings",
            fix="keep the database as it is, and read docs/how-to/prove-your-log.md",
        )


@group.command()
def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Days to keep, such as 400d.", metavar="DAYSd")
    ],
    as_json: AsJson = False,
) -> None:
    """Remove old seals with their events, once verified; a tombstone proves what there was."""
    age = _AGE.fullmatch(older_than)
    if age is None:
        fail(f"`{older_than}` is no age", fix="write days, such as 400d", code=ExitCode.USAGE)
    before = wall_clock() - int(age[1]) * DAY

    async def work(assembly: Assembly) -> Pruned:
        async with _told(assembly) as parts:
            head = await parts.seals.head(parts.settings.stream)
            with _bar("pruning", head.total if head else 0) as tick:
                return await parts.retention.prune(
                    before=before, by=operator(assembly).subject, progress=tick
                )

    try:
        gone = run(work, start=False)
    except BrokenLogError as error:
        fail(f"{error}: nothing is removed from there on", fix="zenith audit verify")
    if as_json:
        show_json({"seals": gone.seals, "events": gone.events, "through": gone.through})
        return
    say(f"removed: {gone.events} events in {gone.seals} seals")


@group.command()
def export(
    proof: Annotated[Path, typer.Option("--proof", help="The file to make; must not exist.")],
    since: Annotated[str, typer.Option(help="Days back, such as 30d; without, all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write events with their seals and a signature: `audit verify FILE` proves them anywhere."""
    age = _AGE.fullmatch(since) if since else None
    if since and age is None:
        fail(f"`{since}` is no age", fix="write days, such as 30d", code=ExitCode.USAGE)
    after = 0.0 if age is None else wall_clock() - int(age[1]) * DAY

    async def work(assembly: Assembly) -> int:
        async with _told(assembly) as parts:
            await _note_export(parts, operator(assembly).subject, proof, after)
            head = await parts.seals.head(parts.settings.stream)
            with _bar("exporting", head.total if head else 0) as tick:
                return await _write(parts, proof, after, tick)

    try:
        count = run(work, start=False)
    except OSError as error:
        fail(f"cannot write {proof}: {error.strerror}", code=ExitCode.USAGE)
    except BrokenLogError as error:
        fail(f"{error}: nothing is signed that does not verify", fix="zenith audit verify")
    if as_json:
        show_json({"events": count, "file": str(proof)})
        return
    say(f"{count} events are in {proof}")


@group.command()
def key(as_json: AsJson = False) -> None:
    """Print the public keys that verify checkpoints and exports, the present one first."""

    async def work(assembly: Assembly) -> dict[str, str]:
        public = _parts(assembly).keys.public
        return {key_id: raw.hex() for key_id, raw in public.by_id.items()}

    found = run(work, start=False)
    if as_json:
        show_json({"keys": [{"id": key_id, "public": raw} for key_id, raw in found.items()]})
        return
    for key_id, raw in found.items():
        say(f"{key_id}  {raw}")


def _verify_database(checkpoints: Path | None) -> VerificationReport:
    async def work(assembly: Assembly) -> VerificationReport:
        async with _told(assembly) as parts:
            head = await parts.seals.head(parts.settings.stream)
            with _bar("verifying", head.total if head else 0) as tick:
                return await parts.verify(
                    by=operator(assembly).subject,
                    progress=tick,
                    checkpoints=None if checkpoints is None else CheckpointFile(checkpoints),
                )

    return run(work, start=False)


def _verify_file(path: Path, given: list[str]) -> VerificationReport:
    source = ProofFile(path)
    head = source.head
    public = _public_keys(given)
    if not head.is_signed(public):
        fail(
            "the export is not signed by this key",
            fix="give the application's public key: --public-key HEX, see `zenith audit key`",
        )
    with _bar("verifying", head.checkpoint.total) as tick:
        return asyncio.run(
            Verification(
                source,
                head.checkpoint.stream,
                keys=None,
                public=public,
                checkpoints=[head.checkpoint],
                begins_at=head.first,
                progress=tick,
            ).run()
        )


def _public_keys(given: list[str]) -> PublicKeys:
    if given:
        try:
            return PublicKeys([bytes.fromhex(each) for each in given])
        except ValueError:
            raise ConfigurationError(
                "a public key is 64 hex digits", fix="copy it from `zenith audit key`"
            ) from None

    async def work(assembly: Assembly) -> PublicKeys:
        return _parts(assembly).keys.public

    return run(work, start=False)


async def _note_export(parts: AuditParts, by: str, path: Path, since: float) -> None:
    await parts.log.record(
        Event(
            type=EventType.AUDIT_EXPORTED,
            outcome="success",
            at=wall_clock(),
            subject=by,
            target=f"audit:{parts.settings.stream}",
            severity="WARNING",
            details={"file": path.name, "since": since},
        )
    )
    await parts.sealer.seal()


async def _write(parts: AuditParts, path: Path, since: float, tick: Callable[[int], None]) -> int:
    lines = proof_lines(
        parts.seals,
        parts.keys,
        parts.settings.stream,
        since=since,
        until=LAST,
        at=wall_clock(),
    )
    count = 0
    with _new_file(path) as file:
        async for line, count in lines:
            file.write(line)
            tick(count)
    return count


@contextmanager
def _new_file(path: Path) -> Generator[TextIO]:
    """A file that is on the disk afterwards, whole, or not there at all."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _parts(assembly: Assembly) -> AuditParts:
    found: AuditParts | None = assembly.services.get(AuditParts)
    if found is None:
        fail("the audit log is off", fix="leave `audit` on in the settings", code=ExitCode.USAGE)
    return found


@asynccontextmanager
async def _told(assembly: Assembly) -> AsyncGenerator[AuditParts]:
    """The log's parts; what is recorded meanwhile goes to its receivers, too.

    Threat: whoever exports or prunes the log from a shell, unseen by those who watch elsewhere.
    """
    parts = _parts(assembly)
    await parts.log.start()
    try:
        yield parts
    finally:
        await parts.log.stop()


@contextmanager
def _bar(text: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar that is told how many events are done."""
    with Bar(text, total=max(1, total)) as bar:
        yield lambda done: bar.show(done, text=f"{text}: {done} events")
