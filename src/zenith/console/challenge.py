"""What forms show to those of whom it must be known that they are people."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request

from zenith.abuse import Honeypot, ProofRequiredError
from zenith.abuse.challenges import Challenges
from zenith.abuse.challenges.depends import token_of
from zenith.abuse.honeypot import STAMP, TRAP
from zenith.console.rendering import duration, is_asked
from zenith.kernel.errors import SecurityError
from zenith.pipeline import exchange_of

SIGN_IN: Final = "sign_in"
REGISTER: Final = "register"
RESET: Final = "reset_password"
NOTHING: Final = {"challenge": "", "widget": None}


async def token_for(request: Request) -> str:
    """The token of the form that was sent; empty where there is none."""
    challenges = exchange_of(request.scope).service(Challenges)
    return await token_of(request, challenges.provider.token_field)


async def shown(request: Request, action: str, error: SecurityError | None) -> dict[str, Any]:
    """What the page's template needs to ask again, or for the first time."""
    if isinstance(error, ProofRequiredError):
        challenge = json.dumps(error.challenge.as_json())
        # The words for whoever failed to sign in often, or those for everybody.
        asked = is_asked(error)
        wait = duration(error.retry_after)
        return {**NOTHING, "challenge": challenge, "wait": wait, "asked": asked}
    exchange = exchange_of(request.scope)
    challenges = exchange.service(Challenges)
    widget = await challenges.offer(action, exchange.client)
    if widget is None:
        return NOTHING
    if widget.challenge:
        challenge = json.dumps(dict(widget.challenge))
        wait = duration(challenges.patience)
        return {**NOTHING, "challenge": challenge, "wait": wait, "asked": True}
    return {**NOTHING, "widget": widget}


async def caught(request: Request, form: str, *, fastest: float) -> str:
    """Why it is a program that sent the form; empty for a person."""
    fields = await request.form()
    trap, stamp = (str(fields.get(name) or "") for name in (TRAP, STAMP))
    honeypot = exchange_of(request.scope).service(Honeypot)
    return honeypot.catches(form, trap=trap, stamp=stamp, fastest=fastest)
