"""What can go wrong with second factors, as people are told."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import (
    ConflictError,
    PermissionDeniedError,
    SecurityError,
    ValidationError,
)

SEE_OTHER: Final = 303


class FactorEnrolmentError(PermissionDeniedError):
    """A role of the caller demands a second factor, and this sign-in has not proven one."""

    code, title = "factor_enrolment_required", "Add a second factor first"


class LedToEnrolmentError(SecurityError):
    """The same, for a browser's navigation: it is led to the page where a factor is added."""

    code, status, title = "factor_enrolment_required", SEE_OTHER, "Add a second factor first"

    def __init__(self, location: str, *, reason: str = "") -> None:
        super().__init__(reason=reason, headers={"Location": location})


class FactorExistsError(ConflictError):
    """There is one of this kind, or this very key, already."""

    code, title = "factor_exists", "This factor is set up already; remove it first"


class TooManyPasskeysError(ConflictError):
    """The account has as many passkeys as it may have."""

    code, title = "too_many_passkeys", "Remove a passkey before you add another"


class EnrolmentFailedError(ValidationError):
    """The code or key does not confirm the factor that was to be added."""

    code, title = "factor_not_confirmed", "That does not confirm the factor; try again"

    def __init__(self, *, field: str = "code", reason: str = "") -> None:
        fault = {"type": "factor_not_confirmed", "loc": ["body", field], "msg": self.title}
        super().__init__([fault], reason=reason)
        self.detail = self.title
