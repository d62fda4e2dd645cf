"""The pages of the audit log: search it, open one event, verify it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Path as PathParameter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zenith.accounts import Account, canonical_email
from zenith.accounts.depends import account_services
from zenith.accounts.errors import InvalidEmailError
from zenith.assembly.audit_log import AuditParts
from zenith.audit import (
    CATALOGUE,
    AuditPage,
    AuditQuery,
    AuditReader,
    OutcomeCount,
    StoredEvent,
    read_query,
)
from zenith.authorization import require_everywhere
from zenith.console.audit_chart import OUTCOMES, Window, draw, totals
from zenith.console.rendering import READ_AUDIT, VERIFY_AUDIT, address, go_to, page_route, pages_of
from zenith.console.verification_run import VerificationRun
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import SecurityError, ValidationError
from zenith.kernel.events import Event, EventType
from zenith.pipeline import exchange_of

AUDIT: Final = "/admin/audit"
VERIFICATION: Final = AUDIT + "/verification"
LAST_PLACE: Final = 2**63 - 2
"""One less than a database counts to: what is looked for there is the last before the next."""
SHOWN_FINDINGS: Final = 100
MAX_SHOWN: Final = 256
"""Characters of a search that the form shows again."""
TIMES: Final = {
    "": "any time",
    "1h": "the last hour",
    "24h": "the last day",
    "7d": "the last week",
    "30d": "the last 30 days",
    "90d": "the last 90 days",
}
MORE: Final = {
    "subject": "Who",
    "target": "On what",
    "address": "Address",
    "session_id": "Session id",
    "request_id": "Request id",
    "trace_id": "Trace id",
    "event_id": "Event id",
}
"""Fields of the form that are rarely used, and what they are called."""
FIELDS: Final = ("about", "type", "outcome", "severity", "since", "until", *MORE)
LINKED: Final = frozenset({"type", "outcome", "severity", *MORE})
read_audit = require_everywhere(READ_AUDIT)
verify_audit = require_everywhere(VERIFY_AUDIT)


def audit_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix=AUDIT, include_in_schema=False)
    page_route(router, "", audit)
    page_route(router, "/verification", verification)
    page_route(router, "/verification/state", state)
    router.add_api_route("/verification", verify, methods=["POST"])
    page_route(router, "/{sequence}", event)
    return router


@read_audit
async def audit(request: Request) -> Response:
    """What a search finds, the newest first, and a chart of it."""
    asked = {name: request.query_params.get(name, "") for name in FIELDS}
    now = wall_clock()
    try:
        query = read_query(await _by_account(request, asked), now=now)
        before = _place(request.query_params.get("before", ""))
    except SecurityError as error:
        return await _audit_page(request, asked, AuditQuery(), None, now=now, error=error)
    exchange = exchange_of(request.scope)
    found = await exchange.service(AuditReader).search(
        query, reader=exchange.principal.subject, before=before
    )
    return await _audit_page(request, asked, query, found, now=now, is_first=before is None)


@read_audit
async def event(
    request: Request, sequence: Annotated[int, PathParameter(ge=1, le=LAST_PLACE)]
) -> Response:
    """One event with all its fields."""
    exchange = exchange_of(request.scope)
    stored = await exchange.service(AuditReader).open(sequence, reader=exchange.principal.subject)
    return pages_of(request).render(
        request,
        "audit_event.html",
        stored=stored,
        kind=CATALOGUE[stored.event.type],
        fields=_fields_of(stored.event),
        linked=LINKED,
        search=_search_for,
        mails=await _mails(request, [stored]),
    )


@read_audit
async def verification(request: Request) -> Response:
    """Whether the log is as it was written: what runs, what the last one found."""
    exchange = exchange_of(request.scope)
    run = exchange.service(VerificationRun)
    report = run.report
    damages = [] if report is None else [each for each in report.findings if each.is_damage]
    return pages_of(request).render(
        request,
        "audit_verification.html",
        run=run,
        report=report,
        damages=damages[:SHOWN_FINDINGS],
        last=await exchange.service(AuditReader).last_verification(),
        may_verify=exchange.principal.has_permission(VERIFY_AUDIT),
    )


@read_audit
async def state(request: Request) -> Response:
    """How far the verification is, for the page's script."""
    run = exchange_of(request.scope).service(VerificationRun)
    return JSONResponse({"running": run.is_running, "done": run.done, "total": run.total})


@verify_audit
async def verify(request: Request) -> Response:
    """Begin to verify. Pressed twice, one runs."""
    exchange = exchange_of(request.scope)
    run = exchange.service(VerificationRun)
    run.begin(exchange.service(AuditParts), by=exchange.principal.subject)
    return go_to(VERIFICATION)


async def _by_account(request: Request, asked: Mapping[str, str]) -> dict[str, str]:
    """What was typed, with the id of the account in place of an e-mail address."""
    texts = dict(asked)
    for name in ("about", "subject", "target"):
        try:
            _, key = canonical_email(texts[name]) if "@" in texts[name] else ("", "")
        except InvalidEmailError:
            key = ""
        account = await account_services(request).store.by_email(key) if key else None
        if account is not None:
            texts[name] = account.id
    return texts


def _place(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len(str(LAST_PLACE)) - 1:
        raise ValidationError("`before` is no place in the log")
    return int(text)


async def _audit_page(
    request: Request,
    asked: Mapping[str, str],
    query: AuditQuery,
    found: AuditPage | None,
    *,
    now: float,
    is_first: bool = True,
    error: SecurityError | None = None,
) -> Response:
    exchange = exchange_of(request.scope)
    reader = exchange.service(AuditReader)
    events: Sequence[StoredEvent] = () if found is None else found.events
    window = Window.of(query, now=now)
    counts: Sequence[OutcomeCount] = ()
    if found is not None:
        counts = await reader.counts(query, window.begin, window.end, span=window.span)
    shown = {name: value[:MAX_SHOWN] for name, value in asked.items()}
    return pages_of(request).render(
        request,
        "audit.html",
        error=error,
        events=events,
        catalogue=CATALOGUE,
        topics=_topics(),
        outcomes=OUTCOMES,
        times=_times(shown["since"]),
        more_fields=MORE,
        asked=shown,
        is_filtered=any(shown.values()),
        is_detailed=any(shown[name] for name in (*MORE, "severity", "until")),
        mails=await _mails(request, events),
        chart=draw(counts, window),
        totals=totals(counts),
        unit=window.unit,
        last=await reader.last_verification(),
        running=exchange.service(VerificationRun).is_running,
        first="" if is_first else address(AUDIT, **shown),
        more="" if found is None else _older(shown, found.next),
    )


def _older(shown: Mapping[str, str], place: int | None) -> str:
    return "" if place is None else address(AUDIT, **shown, before=str(place))


def _topics() -> dict[str, list[EventType]]:
    """Types by what they are about, for the form."""
    found: dict[str, list[EventType]] = {}
    for kind, known in CATALOGUE.items():
        found.setdefault(known.topic, []).append(kind)
    return found


def _times(since: str) -> dict[str, str]:
    """The choices, and whatever else the address asks for."""
    return TIMES if since in TIMES else {**TIMES, since: f"since {since}"}


def _search_for(name: str, value: object) -> str:
    return address(AUDIT, **{name: str(value)})


def _fields_of(event: Event) -> dict[str, Any]:
    """The members of an event in the order in which people ask for them."""
    names = (
        "type",
        "outcome",
        "severity",
        "subject",
        "target",
        "reason",
        "scheme",
        "address",
        "user_agent",
        "session_id",
        "request_id",
        "trace_id",
        "event_id",
    )
    return {name: getattr(event, name) for name in names}


async def _mails(request: Request, shown: Sequence[StoredEvent]) -> dict[str, str]:
    """Addresses of the accounts that the events are about."""
    ids = {each.event.subject for each in shown} | {each.event.target for each in shown}
    store = account_services(request).store
    # Routes and other things that are no account have blanks or slashes in their names.
    wanted = sorted(each for each in ids if each and each.isalnum())
    accounts: list[Account | None] = [await store.by_id(each) for each in wanted]
    return {account.id: account.email for account in accounts if account is not None}
