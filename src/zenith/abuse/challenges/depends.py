"""A challenge in front of a route of the application's own."""

from __future__ import annotations

from typing import Any, Final, cast

from fastapi import Depends, Request

from zenith.abuse.challenges.challenges import Challenges
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import exchange_of

HEADER: Final = b"x-challenge"
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON: Final = "application/json"
MAX_ACTION: Final = 32


def require_challenge(action: str) -> Any:
    """Let a request go on once its challenge is met:
    `dependencies=[require_challenge("contact")]`.

    Threat: programs that fill forms by the thousand (ASVS 2.4.1). The token is looked for in the
    header `X-Challenge`, in the provider's field of a form, and in `challenge` of a JSON object.
    `action` names the form, up to 32 letters, digits and `_`; a token for one is none for another.
    Raises what `Challenges.require` raises.
    """
    if not 0 < len(action) <= MAX_ACTION or not action.replace("_", "").isalnum():
        raise ConfigurationError(
            f"require_challenge: `{action}` names no action", fix='write a word, such as "contact"'
        )

    async def check(request: Request) -> None:
        exchange = exchange_of(request.scope)
        challenges = exchange.service(Challenges)
        token = await token_of(request, challenges.provider.token_field)
        await challenges.require(token, action=action, client=exchange.client)

    return Depends(check)


async def token_of(request: Request, field: str) -> str:
    """The token that came along; empty where none did."""
    header = exchange_of(request.scope).header(HEADER)
    if header:
        return header
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found: object = None
    if kind in FORMS:
        found = (await request.form()).get(field)
    elif kind == JSON:
        try:
            document: object = await request.json()
        except (ValueError, RecursionError):
            # What the handler expects, it says itself.
            return ""
        if isinstance(document, dict):
            found = cast("dict[str, object]", document).get("challenge")
    return found if isinstance(found, str) else ""
