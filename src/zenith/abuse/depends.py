"""Honeypots in front of routes of the application's own."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from markupsafe import Markup

from zenith.abuse.honeypot import STAMP, TRAP, TRAP_CLASS, Honeypot
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.pipeline import Exchange, exchange_of

FASTEST = 2.0
"""Seconds that a person needs at least for a form."""

_FIELDS = Markup(
    '<div class="{css}" aria-hidden="true"><label>Leave this empty'
    '<input type="text" name="{trap}" value="" tabindex="-1" autocomplete="off"></label></div>'
    '<input type="hidden" name="{stamp_name}" value="{stamp}">'
)


def honeypot_field(request: Request, form: str) -> Markup:
    """Make two fields for a form.

    In Jinja: `{{ honeypot_field(request, "contact") }}`, once it is among the globals. Hide the
    class `zenith-trap` in the style sheet, not with a style attribute, which the content security
    policy refuses: `.zenith-trap { position: absolute; left: -100vw; }`.
    """
    honeypot = exchange_of(request.scope).service(Honeypot)
    return _FIELDS.format(css=TRAP_CLASS, trap=TRAP, stamp_name=STAMP, stamp=honeypot.stamp(form))


def check_honeypot(form: str, *, fastest: float = FASTEST) -> Any:
    """Tell whether a program sent the form.

    As a dependency: `is_bot: Annotated[bool, check_honeypot("contact")]`. Answer a program as if
    all were well and do nothing, so that it learns nothing; the audit log is told here. `fastest`:
    seconds that a person needs at least; 0 leaves the time out.
    """

    async def look(request: Request) -> bool:
        exchange = exchange_of(request.scope)
        fields = await request.form()
        trap, stamp = (str(fields.get(name) or "") for name in (TRAP, STAMP))
        found = exchange.service(Honeypot).catches(form, trap=trap, stamp=stamp, fastest=fastest)
        if found:
            tell_of_bot(exchange, form, found)
        return bool(found)

    return Depends(look)


def tell_of_bot(exchange: Exchange, form: str, reason: str) -> None:
    """Note in the audit log that a program was caught."""
    sink: Any = exchange.services.get(EventSink)
    if sink is None:
        return
    sink.note(
        Event(
            type=EventType.BOT_CAUGHT,
            outcome="denied",
            at=wall_clock(),
            target=form,
            address=exchange.client,
            user_agent=exchange.header(b"user-agent")[:256],
            request_id=exchange.request_id,
            reason=reason,
            severity="WARNING",
        )
    )
