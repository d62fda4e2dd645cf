"""What a password is worth while it is typed, for the pages that ask for a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.authorization import public
from zenith.console.rendering import STRENGTH
from zenith.passwords import PasswordJudge
from zenith.pipeline import exchange_of
from zenith.rate_limits import rate_limit

LIMIT: Final = "240/minute"
"""Per address; a page asks three times a second at most, while somebody types."""
STEPS: Final = (20.0, 35.0, 50.0, 65.0)
"""Bits of guessing work from which a password is a step better."""
WORDS: Final = ("Very weak", "Weak", "Fair", "Good", "Strong")
Word = Annotated[str, Field(max_length=254)]
Endpoint: TypeAlias = "Callable[[Candidate, Request, Response], Awaitable[Strength]]"


class Candidate(BaseModel):
    """A password that somebody thinks of. It is judged, and neither stored nor logged."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: Annotated[str, Field(max_length=1024)]
    about: Annotated[list[Word], Field(max_length=4)] = []
    """What else the form says: name and e-mail, which no password should be built on."""


class Strength(BaseModel):
    """What the page shows."""

    score: Annotated[int, Field(ge=0, le=4)]
    word: str
    is_taken: bool
    """Whether the policy takes it. The form's own answer decides."""
    advice: list[str]


def strength_pages(*, limited: bool = True) -> APIRouter:
    """The route of this module; `limited` where the application counts what its clients call."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route(
        STRENGTH, public(_limited() if limited else _unlimited()), methods=["POST"]
    )
    return router


def _limited() -> Endpoint:
    return rate_limit(LIMIT, replaces_default=True)(_unlimited())


def _unlimited() -> Endpoint:
    # A function of its own for each application: what one declares of it is not for the others.
    async def strength(candidate: Candidate, request: Request, response: Response) -> Strength:
        response.headers["Cache-Control"] = "no-store"
        return await judge(candidate, exchange_of(request.scope).service(PasswordJudge))

    return strength


async def judge(candidate: Candidate, by: PasswordJudge) -> Strength:
    """Judge a candidate by the same rules as the form will. Threat: a weak password, chosen because
    nothing said what would make it a good one (ASVS 6.2.1 to 6.2.11).
    """
    result = await by.advise(candidate.password, context=candidate.about)
    score = sum(result.entropy >= step for step in STEPS)
    score = score if result.ok else min(score, 1)
    return Strength(
        score=score,
        word=WORDS[score],
        is_taken=result.ok,
        advice=[problem.message for problem in result.problems],
    )
