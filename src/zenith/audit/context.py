"""What the running request knows of an event, and the event's maker left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zenith.kernel.events import Event
from zenith.pipeline.exchange import current_exchange


def in_context(event: Event) -> Event:
    """The event with what the running request adds: from where, which request, which trace, and
    how the actor was proven.

    Threat: an event that cannot be joined to the request that caused it, because one of a hundred
    places forgot a field (ASVS 16.2.1). What the maker has said stands. Outside of requests an
    event stays as it is. The way the caller was proven is added only where the caller is the actor.
    """
    exchange = current_exchange.get(None)
    if exchange is None:
        return event
    more: dict[str, Any] = {}
    if event.trace_id is None and (trace := exchange.trace_id) is not None:
        more["trace_id"] = trace
    if not event.request_id:
        more["request_id"] = exchange.request_id
    if event.address is None:
        more["address"] = exchange.client
    if event.user_agent is None:
        more["user_agent"] = exchange.header(b"user-agent")
    principal = exchange.principal
    if event.subject and event.subject == principal.subject:
        if not event.scheme:
            more["scheme"] = principal.scheme
        if event.session_id is None and principal.session_id is not None:
            more["session_id"] = principal.session_id
    return replace(event, **more) if more else event
