"""Answers that the server gives before the application is asked."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from typing import Final

from zenith.kernel.problem import Problem, RawHeaders

RETRY_AFTER: Final = 10
"""Seconds after which whoever found no room may ask again."""
_PHRASES: Final = {
    307: "Temporary Redirect",
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_BUSY: Final = frozenset({429, 503})


def answer(
    status: int, headers: Iterable[tuple[bytes, bytes]], *, now: float, request_id: str
) -> bytes:
    """A whole response that says no more than its status, and closes the connection.

    Threat: the one answer without security headers, in a form of its own that tells which server
    runs (ASVS 3.4, 13.4.6, 16.5.1). `now` is Unix time.
    """
    fields, body = problem_of(status, headers, now=now, request_id=request_id)
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}".encode("ascii")]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join((*lines, b"", body))


def problem_of(
    status: int, headers: Iterable[tuple[bytes, bytes]], *, now: float, request_id: str
) -> tuple[RawHeaders, bytes]:
    """The headers and the body of such a response."""
    retry = {"Retry-After": str(RETRY_AFTER)} if status in _BUSY else {}
    problem = Problem.of_status(status, headers=retry)
    _, own, body = problem.render(request_id=request_id, as_html=False)
    date = formatdate(now, usegmt=True).encode("ascii")
    return [(b"date", date), *own, *headers, (b"connection", b"close")], body
