"""Pages that show a challenge."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from zenith.pipeline import Guard, Mark, Stage
from zenith.pipeline.marks import add_mark

T = TypeVar("T")


class ShowsChallenge(Mark):
    """The page of this route shows the challenge, so its policy names the provider's sources."""

    __slots__ = ()


_SHOWS = ShowsChallenge()


def shows_challenge(target: T) -> T:
    """Declare that a page shows the challenge: `@shows_challenge`. The content security policy of
    this route, and of no other, then lets the provider's script and frame in.
    """
    return add_mark(target, _SHOWS)


class ChallengePageGuard(Guard):
    """Vouches for the mark: the headers guard is told of it where it is made."""

    stage: ClassVar[Stage] = Stage.HEADERS
    consumes: ClassVar[tuple[type, ...]] = (ShowsChallenge,)
