"""`zenith policy`: look at policies before they are in force, and put them in force."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, cast

import typer

from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, fail_with, say, show, show_json
from zenith.cli.policy_output import (
    activation_document,
    dry_run_document,
    finding_document,
    grant_document,
    moment,
    say_dry_run,
    say_findings,
    show_grants,
    version_document,
)
from zenith.kernel.events import EventSink
from zenith.policies.analysis import analyze
from zenith.policies.dry_run import dry_run
from zenith.policies.errors import PolicyError
from zenith.policies.explanation import Explanation
from zenith.policies.files import FORMATS, load_policies
from zenith.policies.grants import what_can, who_can, who_can_of
from zenith.policies.policy import Policy
from zenith.policies.store import Activation, PolicyVersion, RecordedDecision
from zenith.policies.versions import PolicyVersions, compiled
from zenith.stores.sql import SqlDecisionStore, SqlPolicyStore

T = TypeVar("T")
DECISIONS: Final = 1_000

group = typer.Typer(help="Check, explain, try and activate policies.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="A policy file: .yaml, .yml or .json.")]
Named = Annotated[str, typer.Option("--policy", help="Its name, where the file holds several.")]
Subject = Annotated[str, typer.Option(help='Attributes as JSON: {"id": "ada"}; @file reads one.')]
Resource = Annotated[str, typer.Option(help="Attributes as JSON, or @file.")]
Context = Annotated[str, typer.Option(help="Attributes as JSON, or @file.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


@group.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files.")],
    strict: Annotated[bool, typer.Option(help="Fail for what may be meant so, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read policies and look for rules that never count, contradict themselves or are too wide."""
    found = [(policy, analyze(policy)) for file in files for policy in _load(file)]
    bad = any(each.is_error or strict for _, findings in found for each in findings)
    if as_json:
        show_json(
            [
                {"policy": policy.name, "findings": [finding_document(each) for each in findings]}
                for policy, findings in found
            ]
        )
    else:
        for policy, findings in found:
            say_findings(policy, findings)
    raise typer.Exit(ExitCode.REFUSED if bad else ExitCode.OK)


@group.command()
def explain(
    file: File,
    action: Annotated[str, typer.Argument(help="The action that is asked for.")],
    subject: Subject = "{}",
    resource: Resource = "{}",
    context: Context = "{}",
    policy: Named = "",
    as_json: AsJson = False,
) -> None:
    """Decide on a subject and a resource, and say why. Ends with 1 where the answer is no."""
    found = _one(file, policy).explain(
        _facts("subject", subject),
        _facts("resource", resource),
        action,
        _facts("context", context),
    )
    if as_json:
        show_json(_explanation_document(found))
    else:
        by = "no rule is satisfied" if found.rule is None else f"by {found.rule}"
        say(f"{'allowed' if found.decision else 'denied'}, {by}", style="bold")
        for each in found.rules:
            say(f"  {each}")
    raise typer.Exit(ExitCode.OK if found.decision else ExitCode.REFUSED)


def _explanation_document(found: Explanation) -> dict[str, object]:
    return {
        "policy": found.policy,
        "action": found.action,
        "allowed": found.decision,
        "rule": found.rule,
        "missing": list(found.missing),
        "rules": [
            {
                "rule": each.rule,
                "effect": each.effect,
                "satisfied": each.satisfied,
                "true": list(each.matched),
                "false": list(each.failed),
                "unknown": list(each.unknown),
            }
            for each in found.rules
        ],
    }


@group.command("who-can")
def who(
    file: File,
    action: Annotated[str, typer.Argument(help="The action that is asked for.")],
    subjects: Annotated[
        str, typer.Option(help="A list of subjects as JSON, or @file, to choose from.")
    ] = "",
    resource: Resource = "",
    context: Context = "",
    policy: Named = "",
    as_json: AsJson = False,
) -> None:
    """Say what a subject must be to do an action, or which of some subjects can."""
    chosen = _one(file, policy)
    known = {"resource": _known("resource", resource), "context": _known("context", context)}
    if not subjects:
        show_grants([who_can(chosen, action, **known)], as_json=as_json)
        return
    people = _json("subjects", subjects)
    if not isinstance(people, list):
        fail("--subjects is no list", fix='write [{"id": "ada"}, ...]', code=ExitCode.USAGE)
    found = who_can_of(chosen, action, cast(list[object], people), **known)
    if as_json:
        show_json([{"subject": person, **grant_document(each)} for person, each in found])
        return
    rows = [
        {"subject": json.dumps(person, ensure_ascii=False), "answer": each.answer}
        for person, each in found
    ]
    show(rows, empty="none of them")


@group.command("what-can")
def what(
    file: File,
    subject: Subject,
    resource: Resource = "",
    context: Context = "",
    policy: Named = "",
    as_json: AsJson = False,
) -> None:
    """Say what a subject can do, action by action, on a resource or on any."""
    found = what_can(
        _one(file, policy),
        _facts("subject", subject),
        resource=_known("resource", resource),
        context=_known("context", context),
    )
    show_grants(found, as_json=as_json)


@group.command("dry-run")
def try_out(
    file: File,
    policy: Named = "",
    limit: Annotated[int, typer.Option(min=1, help="Decisions, the newest first.")] = DECISIONS,
    as_json: AsJson = False,
) -> None:
    """Ask a new version what was asked before. Ends with 1 where it would decide otherwise."""
    candidate = _one(file, policy)

    async def work(assembly: Assembly) -> Sequence[RecordedDecision]:
        return await SqlDecisionStore(assembly.database).recent(candidate.name, limit=limit)

    found = dry_run(candidate, run(work))
    if as_json:
        show_json(dry_run_document(found))
    else:
        say_dry_run(found)
    raise typer.Exit(ExitCode.REFUSED if found.changed or found.undecided else ExitCode.OK)


@group.command()
def activate(
    target: Annotated[str, typer.Argument(help="A policy file, or the name of a policy.")],
    reason: Reason,
    number: Annotated[
        int | None, typer.Option("--version", min=1, help="With a name: which version.")
    ] = None,
    expected: Annotated[
        int | None, typer.Option(min=0, help="The revision that must be in force, 0 for none.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who does it; your login name if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a file as the next version and put it in force, or go back to a former version.

    Every server decides by it within a second.
    """
    actor = by or getuser()

    text = "" if number is not None else _text(Path(target))

    async def work(versions: PolicyVersions) -> Activation:
        name, chosen = target, number
        if chosen is None:
            form = FORMATS[Path(target).suffix.lower()]
            kept = await versions.add(text, form, by=actor, reason=reason)
            name, chosen = kept.policy, kept.number
        return await versions.activate(name, chosen, by=actor, reason=reason, expected=expected)

    done = _with_versions(work)
    if as_json:
        show_json(activation_document(done))
        return
    say(f"{done.policy}: version {done.number} is in force, revision {done.revision}")


@group.command("versions")
def list_versions(
    name: Annotated[str, typer.Argument(help="The policy.")],
    before: Annotated[int | None, typer.Option(help="Continue below this number.")] = None,
    source: Annotated[
        int | None, typer.Option("--show", min=1, help="Print the text of this version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List a policy's versions, the newest first, and which of them is in force."""
    if source is not None:
        _show_source(name, source, as_json=as_json)
        return

    async def work(versions: PolicyVersions) -> tuple[Sequence[PolicyVersion], Activation | None]:
        return await versions.versions(name, before=before), await versions.active(name)

    found, active = _with_versions(work)
    in_force = None if active is None else active.number
    if as_json:
        show_json(
            {
                "policy": name,
                "active": None if active is None else activation_document(active),
                "versions": [version_document(each) for each in found],
            }
        )
        return
    rows = [
        {
            "version": each.number,
            "state": "in force" if each.number == in_force else "",
            "written": moment(each.created_at),
            "by": each.created_by,
            "digest": each.digest[:12],
            "reason": each.reason,
        }
        for each in found
    ]
    show(rows, empty=f"no versions of {name}")


def _show_source(name: str, number: int, *, as_json: bool) -> None:
    async def work(versions: PolicyVersions) -> PolicyVersion:
        version = await versions.version(name, number)
        compiled(version)
        return version

    found = _with_versions(work)
    if as_json:
        show_json({**version_document(found), "source": found.source})
        return
    for line in found.source.splitlines():
        say(line)


def _with_versions(work: Callable[[PolicyVersions], Awaitable[T]]) -> T:
    async def inside(assembly: Assembly) -> T:
        events: EventSink | None = assembly.services.get(EventSink)
        return await work(PolicyVersions(SqlPolicyStore(assembly.database), events=events))

    return run(inside)


def _load(file: Path) -> tuple[Policy, ...]:
    try:
        return load_policies(file)
    except PolicyError as error:
        fail_with(error)


def _text(file: Path) -> str:
    """The text of a file that holds one policy."""
    _one(file, "")
    return file.read_text(encoding="utf-8-sig")


def _one(file: Path, name: str) -> Policy:
    policies = {policy.name: policy for policy in _load(file)}
    chosen = policies.get(name or next(iter(policies), ""))
    if chosen is None or (not name and len(policies) > 1):
        fail(
            f"{file} holds no policy {name}" if name else f"{file} holds {len(policies)} policies",
            fix="choose one with --policy: " + ", ".join(policies),
            code=ExitCode.USAGE,
        )
    return chosen


def _json(option: str, text: str) -> object:
    try:
        given = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        return json.loads(given)
    except (OSError, ValueError, RecursionError) as error:
        fail(
            f"--{option} is no JSON: {error}",
            fix='write {"id": "ada"}, in single quotes for the shell, or @file.json',
            code=ExitCode.USAGE,
        )


def _facts(option: str, text: str) -> Mapping[str, Any]:
    found = _json(option, text)
    if not isinstance(found, dict):
        fail(f"--{option} is no JSON object", fix='write {"id": "ada"}', code=ExitCode.USAGE)
    return cast(dict[str, Any], found)


def _known(option: str, text: str) -> Any:
    return _facts(option, text) if text else None
