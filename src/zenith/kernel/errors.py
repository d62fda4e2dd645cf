"""The error tree. Guards and engines raise these; `kernel.problem` alone turns them into responses.

ZenithError
├── ConfigurationError          only at start: names the setting and the fix
└── SecurityError               a refusal with a stable code and an HTTP status
    ├── BadRequestError         400
    ├── AuthenticationError     401
    ├── PermissionDeniedError   403
    ├── CsrfError               403
    ├── NotFoundError           404
    ├── RequestTimeoutError     408
    ├── ConflictError           409
    ├── PayloadTooLargeError    413
    ├── MisdirectedRequestError 421
    ├── ValidationError         422
    ├── RateLimitError          429
    ├── ServiceUnavailableError 503
    └── HandlerTimeoutError     504
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ZenithError(Exception):
    """Base of every error that Zenith raises on purpose."""


class ConfigurationError(ZenithError):
    """Settings, declarations or environment are unsafe or contradictory; the start is refused.

    `problem` says what is wrong, `fix` what to do about it. Both are shown to the operator, so
    neither may hold a secret value.
    """

    def __init__(self, problem: str, *, fix: str = "") -> None:
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem}\n  fix: {fix}" if fix else problem)


class SecurityError(ZenithError):
    """A request is refused.

    `code` is stable and public: clients branch on it, never on text. `detail` is shown to the
    client and must not tell whether an account exists. `reason` goes to the audit log only
    (ASVS 16.5.1: no internal detail reaches the consumer).
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 403
    title: ClassVar[str] = "Request refused"

    def __init__(
        self,
        detail: str | None = None,
        *,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.title
        self.reason = reason
        self.headers: Mapping[str, str] = headers or {}
        self.extensions: Mapping[str, object] = {}
        """Further members of the problem document (RFC 9457 section 3.2)."""
        super().__init__(self.detail)


class BadRequestError(SecurityError):
    """The request is malformed: it can be understood in more than one way or in none."""

    code, status, title = "bad_request", 400, "Malformed request"


class AuthenticationError(SecurityError):
    """No credential, or one that does not hold."""

    code, status, title = "unauthenticated", 401, "Authentication required"


class PermissionDeniedError(SecurityError):
    """The principal is known and may not do this."""

    code, status, title = "permission_denied", 403, "Permission denied"


class CsrfError(SecurityError):
    """A cookie-carried change without proof that the user's own page sent it (ASVS 3.5.1)."""

    code, status, title = "csrf_failed", 403, "CSRF verification failed"


class NotFoundError(SecurityError):
    """There is no such thing, or none that this caller may know of."""

    code, status, title = "not_found", 404, "Not found"


class RequestTimeoutError(SecurityError):
    """The client did not send its whole request in time."""

    code, status, title = "request_timeout", 408, "Request not received in time"


class ConflictError(SecurityError):
    """The change collides with the present state."""

    code, status, title = "conflict", 409, "Conflict"


class PayloadTooLargeError(SecurityError):
    """The body, a field or a header is larger than allowed."""

    code, status, title = "payload_too_large", 413, "Request too large"


class MisdirectedRequestError(SecurityError):
    """The Host header names no host that this application serves."""

    code, status, title = "unknown_host", 421, "Unknown host"


class ValidationError(SecurityError):
    """Input has the wrong shape. `errors` lists what is wrong, one entry per fault."""

    code, status, title = "invalid", 422, "Invalid input"

    def __init__(self, errors: str | Sequence[object], *, reason: str = "") -> None:
        self.errors: Sequence[object] = [errors] if isinstance(errors, str) else list(errors)
        super().__init__("; ".join(str(error) for error in self.errors), reason=reason)


class RateLimitError(SecurityError):
    """Too many requests. `retry_after` is in seconds (RFC 9110 section 10.2.3)."""

    code, status, title = "rate_limited", 429, "Too many requests"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: float,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(detail, reason=reason, headers=with_retry_after(retry_after, headers))


class ServiceUnavailableError(SecurityError):
    """Zenith cannot know, so it refuses. `retry_after` is in seconds."""

    code, status, title = "unavailable", 503, "Temporarily unavailable"

    def __init__(
        self, detail: str | None = None, *, retry_after: float = 1.0, reason: str = ""
    ) -> None:
        self.retry_after = retry_after
        super().__init__(detail, reason=reason, headers=with_retry_after(retry_after, None))


class HandlerTimeoutError(SecurityError):
    """The application did not begin its response in time, and was stopped."""

    code, status, title = "timeout", 504, "No answer in time"


def with_retry_after(seconds: float, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Add Retry-After, rounded up: a client that obeys it must not be refused again."""
    return {**(headers or {}), "Retry-After": str(max(1, int(-(-seconds // 1))))}
