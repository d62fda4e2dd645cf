"""A challenge in front of a route of the application's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar, cast

from fastapi import Request, params

from zenith.abuse.challenges.challenges import Challenges
from zenith.abuse.challenges.declaration import ChallengeMark
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.pipeline import Exchange

HEADER: Final = b"x-challenge"
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON: Final = "application/json"
MAX_ACTION: Final = 32
FILES: Final = "fastapi_middleware_astack"
"""Where FastAPI keeps what is closed once a request was answered."""
T = TypeVar("T")


class RequiredChallenge(params.Depends):
    """A dependency of FastAPI's, and a decorator for endpoints."""

    def __call__(self, target: T) -> T:
        """`target`, which runs once the challenge is met."""
        return _mark_of(self.dependency)(target)


def require_challenge(action: str) -> RequiredChallenge:
    """Let a request go on once its challenge is met: `@require_challenge("contact")` below the
    route's decorator, or `dependencies=[require_challenge("contact")]`.

    Threat: programs that fill forms by the thousand (ASVS 2.4.1). The token is looked for in the
    header `X-Challenge`, in the provider's field of a form, and in `challenge` of a JSON object; in
    the header alone where what is decorated is not given the request and is none of FastAPI's.
    `action` names the form, up to 32 letters, digits and `_`; a token for one is none for another.
    Raises what `Challenges.require` raises.
    """
    if not 0 < len(action) <= MAX_ACTION or not action.replace("_", "").isalnum():
        raise ConfigurationError(
            f"require_challenge: `{action}` names no action", fix='write a word, such as "contact"'
        )

    async def check(exchange: Exchange, request: Request | None) -> None:
        challenges = exchange.service(Challenges)
        token = exchange.header(HEADER)
        if not token and request is not None:
            token = await token_of(request, challenges.provider.token_field)
        try:
            await challenges.require(token, action=action, client=exchange.client)
        except SecurityError:
            # Files that came with a form are nobody's any more.
            if request is not None:
                await request.close()
            raise

    return RequiredChallenge(ChallengeMark(action, check, RequiredChallenge).meet)


def _mark_of(meet: Callable[..., Any] | None) -> ChallengeMark:
    return cast("ChallengeMark", getattr(meet, "__self__", None))


async def token_of(request: Request, field: str) -> str:
    """The token in a body; empty where there is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found: object = None
    if kind in FORMS:
        form = await request.form()
        # The framework closes the files of forms that it has read itself.
        files = request.scope.get(FILES)
        if isinstance(files, AsyncExitStack):
            files.push_async_callback(form.close)
        found = form.get(field)
    elif kind == JSON:
        try:
            document: object = await request.json()
        except (ValueError, RecursionError):
            # What the handler expects, it says itself.
            return ""
        if isinstance(document, dict):
            found = cast("dict[str, object]", document).get("challenge")
    return found if isinstance(found, str) else ""
