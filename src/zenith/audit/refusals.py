"""Which refusals are security events, and how many of them are recorded singly."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

from zenith.authorization.errors import ConcealedError
from zenith.kernel.errors import CsrfError, SecurityError
from zenith.kernel.events import EventType, Outcome, Severity

WINDOW: Final = 60.0
"""Seconds after which counting begins anew."""
MAX_CLIENTS: Final = 10_000
MAX_SUMMARIES: Final = 100
OTHERS: Final = "others"
BANNED: Final = "banned"
UPLOADS: Final = frozenset({"upload_type", "upload_refused"})
MALFORMED: Final = frozenset({400, 408, 411, 413, 414, 415, 421, 431})
BY_STATUS: Final = {
    403: EventType.PERMISSION_DENIED,
    422: EventType.INPUT_REFUSED,
    429: EventType.RATE_LIMITED,
    500: EventType.UNHANDLED_ERROR,
}


def kind_of(status: int, failure: SecurityError | None, *, presented: bool) -> EventType | None:
    """The event that a response is worth, or None.

    `failure` is what the pipeline knows to have gone wrong; `presented` says whether the request
    brought a credential in a header: without one, a 401 is only an invitation to sign in. A 4xx or
    503 that the application answers by itself is its own business.
    """
    ours = failure is not None and failure.status == status
    if ours and isinstance(failure, CsrfError):
        return EventType.CSRF_REFUSED
    if ours and isinstance(failure, ConcealedError):
        return EventType.PERMISSION_DENIED
    code = failure.code if ours and failure is not None else ""
    if code == BANNED:
        return EventType.BAN_ENFORCED
    if code in UPLOADS:
        return EventType.UPLOAD_REFUSED
    if status == 401:  # noqa: PLR2004
        return EventType.AUTHENTICATION_FAILED if presented else None
    if ours and status in MALFORMED:
        return EventType.REQUEST_REFUSED
    if ours and status >= 500:  # noqa: PLR2004
        return EventType.UNHANDLED_ERROR
    return BY_STATUS.get(status)


def weight_of(kind: EventType) -> tuple[Outcome, Severity]:
    """Outcome and severity of what a response is worth."""
    if kind is EventType.ACCESS_GRANTED:
        return "success", "INFO"
    if kind is EventType.UNHANDLED_ERROR:
        return "error", "ERROR"
    if kind is EventType.INPUT_REFUSED:
        # Mostly somebody who mistyped.
        return "denied", "INFO"
    return ("failure" if kind is EventType.AUTHENTICATION_FAILED else "denied"), "WARNING"


def reason_of(status: int, failure: SecurityError | None) -> str:
    """Why, for the log. Of an unforeseen error only the kind: its message may quote anything."""
    if failure is not None and failure.status == status:
        return failure.reason or failure.code
    error = sys.exception()
    return "" if error is None else f"{type(error).__module__}.{type(error).__qualname__}"


class _Client:
    __slots__ = ("admitted", "counted")

    def __init__(self) -> None:
        self.admitted = 0
        self.counted: Counter[EventType] = Counter()


class RefusalTally:
    """Admits so many refusals of each client to the log and counts the rest.

    Threat: a flood of refused requests that becomes a flood of writes, and hides one event among
    a million (ASVS 16.3.3 with 2.4.1). Memory is bounded: clients beyond the first ten thousand of
    a minute are counted together.
    """

    def __init__(self, *, per_client: int, in_all: int) -> None:
        self._per_client: Final = per_client
        self._in_all: Final = in_all
        self._clients: dict[str, _Client] = {}
        self._admitted = 0

    def admit(self, client: str, kind: EventType) -> bool:
        """Whether this refusal is recorded by itself; otherwise it has been counted."""
        found = self._clients.get(client)
        if found is None:
            name = client if len(self._clients) < MAX_CLIENTS else OTHERS
            found = self._clients.setdefault(name, _Client())
        if found.admitted < self._per_client and self._admitted < self._in_all:
            found.admitted += 1
            self._admitted += 1
            return True
        found.counted[kind] += 1
        return False

    def close(self) -> list[tuple[str, Counter[EventType]]]:
        """Begin anew; what was only counted, by client, the busiest first."""
        clients, self._clients, self._admitted = self._clients, {}, 0
        counted = [(name, each.counted) for name, each in clients.items() if each.counted]
        counted.sort(key=lambda each: each[1].total(), reverse=True)
        rest: Counter[EventType] = Counter()
        for _, counts in counted[MAX_SUMMARIES:]:
            rest.update(counts)
        return [*counted[:MAX_SUMMARIES], *([(OTHERS, rest)] if rest else [])]
