"""What an application without a mail server has put into its outbox."""

from __future__ import annotations

import asyncio
import re

from zenith.mail import Outbox

LINK = re.compile(r"^(https?://\S+)$", re.MULTILINE)


async def mailed(app, *, kind=None):
    """The mails so far, oldest first."""
    await app.accounts.notices.drain()
    await asyncio.sleep(0)
    entries = reversed(app.assembly.services[Outbox].entries())
    return [each.mail for each in entries if kind in (None, each.mail.kind)]


def link_in(mail):
    """The address that a mail asks to open."""
    return next(found for found in LINK.findall(mail.text) if found.count("/") > 2)


def token_in(mail):
    """The secret of its link."""
    return link_in(mail).rpartition("/")[2]


async def token_of(app, kind):
    """The secret in the newest mail of this kind."""
    return token_in((await mailed(app, kind=kind))[-1])
