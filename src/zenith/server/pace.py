"""Whether a connection goes on fast enough, judged by a look at it every now and then."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final

from zenith.server.settings import ServerSettings


class Phase(IntEnum):
    """What a connection is waited for."""

    HEAD = 0
    """The client sends request line and headers, or is expected to."""
    BODY = 1
    """The client sends a body."""
    WORK = 2
    """The application works: its own time limit counts."""
    IDLE = 3
    """Nobody wants anything."""
    HANDSHAKE = 4
    """The application decides on a WebSocket."""
    OPEN = 5
    """A WebSocket is open."""
    CLOSING = 6
    """All was said; the rest is on its way."""


DRAINED: Final = 32 * 1024
"""Bytes that a client has taken at least when its transport may be written to again."""
ANSWER_NOT_TAKEN: Final = "answer not taken"
CLOSE_NOT_TAKEN: Final = "close not taken"
HANDSHAKE: Final = "handshake not answered"
IDLE: Final = "idle"


class Pace:
    """The clock of one connection.

    Threat: heads, bodies and readers so slow that a few clients hold every connection (ASVS 13.1.3,
    15.2.2; the attacks known as slowloris, slow post and slow read). Phases are compared from look
    to look, so that a request costs nothing; a body and an answer must bring so many bytes in every
    stretch of time, which an average would not see once much has come fast.
    """

    __slots__ = (
        "_bytes",
        "_limits",
        "_of",
        "_phase",
        "_rate",
        "_since",
        "_taken",
        "_unsent",
        "_unsent_since",
    )

    def __init__(self, settings: ServerSettings, *, now: float) -> None:
        self._limits: Final = _limits_of(settings)
        self._rate: Final = settings.min_rate
        self._phase: Phase | None = None
        self._of: object = None
        self._since = now
        self._bytes = 0
        self._unsent = self._taken = 0
        self._unsent_since = now

    def judge(
        self, phase: Phase, of: object, *, now: float, received: int = 0, unsent: int = 0
    ) -> str:
        """Why the connection must end, or nothing.

        `of` tells one request (or message) from the next, `received` counts the bytes that have
        come in so far, `unsent` are those that wait to be taken.
        """
        if (unsent or self._unsent) and self._is_unread(unsent, now):
            return ANSWER_NOT_TAKEN
        if self._phase is not phase or self._of != of:
            self._begin(phase, of, received, now)
            return ""
        limit = self._limits[phase]
        if limit is None or now - self._since < limit:
            return ""
        if phase is Phase.BODY and received - self._bytes >= self._rate * limit:
            self._begin(phase, of, received, now)
            return ""
        return _REASONS[phase]

    def pause(self, *, now: float, received: int) -> None:
        """The client is not to blame: it was not asked to send."""
        self._since, self._bytes = now, received

    def take(self, size: int) -> None:
        """The client has taken `size` bytes between two looks."""
        self._taken += size

    def _begin(self, phase: Phase, of: object, received: int, now: float) -> None:
        # Of the first head the time runs from the connection on.
        if self._phase is not None or phase is not Phase.HEAD:
            self._since = now
        self._phase, self._of, self._bytes = phase, of, received

    def _is_unread(self, unsent: int, now: float) -> bool:
        limit = self._limits[Phase.CLOSING]
        before, self._unsent = self._unsent, unsent
        if not (before and unsent) or limit is None:
            self._taken, self._unsent_since = 0, now
            return False
        # What was written meanwhile hides what was taken; over some looks it shows all the same.
        self._taken += max(0, before - unsent)
        if now - self._unsent_since < limit:
            return False
        late = self._taken < self._rate * limit
        self._taken, self._unsent_since = 0, now
        return late


@lru_cache(maxsize=8)
def _limits_of(settings: ServerSettings) -> tuple[float | None, ...]:
    """Seconds for each phase, by its number."""
    limits: dict[Phase, float | None] = {
        Phase.HEAD: settings.head_timeout,
        Phase.BODY: settings.body_timeout,
        # The application has a time limit of its own.
        Phase.WORK: None,
        # The server itself ends it in time, unless something came that was no request.
        Phase.IDLE: settings.keep_alive + settings.look_every,
        Phase.HANDSHAKE: settings.websocket_handshake_timeout,
        Phase.OPEN: settings.websocket_idle_timeout,
        Phase.CLOSING: settings.answer_timeout,
    }
    return tuple(limits[phase] for phase in Phase)


_REASONS: Final = {
    Phase.HEAD: "head too slow",
    Phase.BODY: "body too slow",
    Phase.IDLE: IDLE,
    Phase.HANDSHAKE: HANDSHAKE,
    Phase.OPEN: IDLE,
    Phase.CLOSING: CLOSE_NOT_TAKEN,
}
