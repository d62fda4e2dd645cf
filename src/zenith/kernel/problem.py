"""The one renderer of refusals: RFC 9457 problem details for programs, a plain page for people.

No status, title or detail made here tells more than the error's public text (ASVS 16.5.1).
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import field
from http import HTTPStatus
from typing import Final, TypeAlias, cast

from zenith.kernel.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    MisdirectedRequestError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    SecurityError,
    ServiceUnavailableError,
    ValidationError,
)
from zenith.kernel.records import dataclass

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
PROBLEM_JSON: Final = b"application/problem+json"
HTML: Final = b"text/html; charset=utf-8"

_HEADINGS: Final[Mapping[str, str]] = {
    "csrf_failed": "The form was not accepted",
    "method_not_allowed": "This cannot be done here",
}
"""For people, where the title is a word of programs."""

_EXPLANATIONS: Final[Mapping[str, str]] = {
    "not_found": "There is nothing at this address.",
    "method_not_allowed": "Nothing at this address can be done in this way.",
    "csrf_failed": "The form was out of date, or another site sent it. Go back, reload the page "
    "and try again.",
    "permission_denied": "Your account may not do this.",
    "unknown_host": "This server is not meant to be reached under this name.",
    "rate_limited": "Wait a moment, then reload the page.",
    "unavailable": "Wait a moment, then reload the page.",
}
"""For people, where the detail only repeats the title."""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>{links}
</head>
<body>
<main class="narrow problem">
<h1>{title}</h1>
<p>{detail}</p>
<p>Status {status}. Reference: <code>{request_id}</code></p>
<p><a href="/">Back to the start page</a></p>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is said to the client about a refusal."""

    status: int
    code: str
    title: str
    detail: object
    """Text, or for invalid input the list of faults in FastAPI's shape."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    extensions: Mapping[str, object] = field(default_factory=dict[str, object])
    """Further members, for programs only (RFC 9457 section 3.2)."""

    @classmethod
    def of(cls, error: SecurityError) -> Problem:
        """The public part of an error; its `reason` stays behind."""
        detail: object = error.detail
        if isinstance(error, ValidationError):
            detail = list(error.errors)
        return cls(
            status=error.status,
            code=error.code,
            title=error.title,
            detail=detail,
            headers=error.headers,
            extensions=error.extensions,
        )

    @classmethod
    def of_status(
        cls, status: int, detail: object = None, headers: Mapping[str, str] | None = None
    ) -> Problem:
        """A problem for a bare HTTP status, such as the framework's own 404 and 405."""
        code, title = _WORDS.get(status) or _words_of(status)
        return cls(
            status=status,
            code=code,
            title=title,
            detail=title if detail is None else detail,
            headers=headers or {},
        )

    def render(
        self, *, request_id: str, as_html: bool, stylesheet: str = "", icon: str = ""
    ) -> tuple[int, RawHeaders, bytes]:
        """Status, raw headers and body, ready to be sent. `stylesheet` and `icon` are paths for the
        page.
        """
        links = _link("stylesheet", stylesheet) + _link("icon", icon)
        body = self._html(request_id, links) if as_html else self._json(request_id)
        headers: RawHeaders = [
            (b"content-type", HTML if as_html else PROBLEM_JSON),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
        ]
        headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers.items()
        ]
        return self.status, headers, body

    def _json(self, request_id: str) -> bytes:
        document = {
            **self.extensions,
            "type": f"urn:zenith:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": f"urn:request:{request_id}",
        }
        return json.dumps(document, default=str).encode("utf-8")

    def _html(self, request_id: str, links: str) -> bytes:
        detail = self.detail if isinstance(self.detail, str) else _sentences(self.detail)
        # The page has the title above already.
        detail = detail.removeprefix(f"{self.title}. ")
        title, _, more = detail.partition(": ")
        if title.casefold() == self.title.casefold():
            explained = _EXPLANATIONS.get(self.code, title)
            detail = f"{explained.removesuffix('.')}: {more}." if more else explained
        page = _PAGE.format(
            links=links,
            title=html.escape(_HEADINGS.get(self.code, self.title)),
            detail=html.escape(detail),
            status=self.status,
            request_id=html.escape(request_id),
        )
        return page.encode("utf-8", "replace")


def _link(kind: str, path: str) -> str:
    return f'\n<link rel="{kind}" href="{html.escape(path)}">' if path else ""


INTERNAL_ERROR: Final = Problem(
    status=500,
    code="internal_error",
    title="Internal server error",
    detail="Something went wrong on our side. Quote the reference when you report it.",
)


_WORDS: Final[Mapping[int, tuple[str, str]]] = {
    **{
        error.status: (error.code, error.title)
        for error in (
            BadRequestError,
            AuthenticationError,
            PermissionDeniedError,
            NotFoundError,
            ConflictError,
            PayloadTooLargeError,
            MisdirectedRequestError,
            ValidationError,
            ServiceUnavailableError,
        )
    },
    429: ("rate_limited", RateLimitError.title),
    405: ("method_not_allowed", "Method not allowed"),
    414: ("uri_too_long", "URI too long"),
    416: ("range_not_satisfiable", "Range not satisfiable"),
}
"""One code for one thing, whoever says it. Python renames some statuses from version to version."""


def _words_of(status: int) -> tuple[str, str]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return phrase.lower().replace(" ", "_").replace("-", "_"), phrase


def prefers_html(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a person looks at the answer: a browser's navigation, not a script's fetch."""
    mode = headers.get(b"sec-fetch-mode")
    if mode is not None:
        return mode == b"navigate"
    return b"text/html" in headers.get(b"accept", b"")


def _sentences(detail: object) -> str:
    if not isinstance(detail, list):
        return str(detail)
    texts: list[str] = []
    for item in cast("list[object]", detail):
        message = cast("dict[str, object]", item).get("msg") if isinstance(item, dict) else item
        texts.append(str(message))
    return "; ".join(texts)
