"""Pages that show a challenge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from zenith.abuse.challenges.declaration import ChallengeMark
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Guard, Mark, RouteTable, Stage, enforced_marks, marks_of
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


@runtime_checkable
class WritesPolicies(Protocol):
    """A guard that writes content security policies, and which marks let more in."""

    @property
    def more_sources(self) -> Collection[type]: ...


class ChallengePageGuard(Guard):
    """Vouches for the marks. Pages that show a challenge are honoured by the guard that writes the
    policies: it must have been told of them, or the start is refused; where none writes any,
    nothing has to be let in. Endpoints that require one ask themselves, unless `require_challenge`
    stands above the route's decorator, which refuses the start.
    """

    stage: ClassVar[Stage] = Stage.HEADERS
    consumes: ClassVar[tuple[type, ...]] = (ShowsChallenge, ChallengeMark)

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Raise ConfigurationError for a page whose policy would keep the challenge out, and for an
        endpoint that does not ask for it.
        """
        writers = [guard for guard in guards if isinstance(guard, WritesPolicies)]
        told = all(ShowsChallenge in writer.more_sources for writer in writers)
        for entry in table.walk():
            enforced = enforced_marks(entry.endpoint)
            for mark in marks_of(entry.endpoint):
                if isinstance(mark, ChallengeMark) and mark not in enforced:
                    raise ConfigurationError(
                        f"{entry.path}: {mark!r} was attached after the route was registered",
                        fix="put @require_challenge(...) below the route's decorator",
                    )
            if not told and any(isinstance(mark, ShowsChallenge) for mark in entry.marks):
                raise ConfigurationError(
                    f"{entry.path} shows a challenge, and its policy lets no provider in",
                    fix="HeadersGuard(more_sources={ShowsChallenge: provider.sources})",
                )
