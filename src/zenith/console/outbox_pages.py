"""Mails that were not sent, in development."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from zenith.authorization import public
from zenith.console.rendering import page_route, pages_of, reads_outbox
from zenith.kernel.errors import NotFoundError
from zenith.mail import Outbox
from zenith.pipeline import exchange_of

OUTBOX: Final = "/outbox"


def outbox_pages() -> APIRouter:
    """The routes of this module, for an application whose mails go to an outbox."""
    router = APIRouter(prefix=OUTBOX, include_in_schema=False)
    page_route(router, "", outbox)
    page_route(router, "/{number}", mail)
    return router


@public
async def outbox(request: Request) -> Response:
    """The last mails, newest first."""
    return pages_of(request).render(request, "outbox.html", entries=_outbox(request).entries())


@public
async def mail(request: Request, number: int) -> Response:
    """One mail, as text."""
    entry = _outbox(request).entry(number)
    if entry is None:
        raise NotFoundError("This mail is not kept any more")
    return pages_of(request).render(
        request, "mail.html", entry=entry, lines=_lines(entry.mail.text)
    )


def _outbox(request: Request) -> Outbox:
    """Threat: a development server that others can reach, whose mails open every account: only the
    machine itself and administrators read them.
    """
    exchange = exchange_of(request.scope)
    if not reads_outbox(exchange):
        raise NotFoundError(reason="the outbox is for this machine and for administrators")
    return exchange.service(Outbox)


def _lines(text: str) -> list[tuple[str, bool]]:
    """The lines of a mail, and whether each is an address to open."""
    lines = text.splitlines()
    return [(line, line.startswith(("http://", "https://"))) for line in lines]
