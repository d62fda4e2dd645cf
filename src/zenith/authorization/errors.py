"""Refusals of callers who are known, but did not prove enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.kernel.errors import AuthenticationError, NotFoundError, SecurityError

SEE_OTHER: Final = 303


class FactorRequiredError(AuthenticationError):
    """The caller is known and must prove again that it is who it says (RFC 9470 section 3).

    `factors` are those of which one is asked for, `max_age` the seconds that the proof may be old.
    """

    code, title = "factor_required", "Confirm that it is you"

    def __init__(self, factors: Sequence[str], *, max_age: float, reason: str = "") -> None:
        self.factors: Final = tuple(factors)
        self.max_age: Final = max_age
        challenge = (
            'Bearer error="insufficient_user_authentication", '
            'error_description="A more recent proof of identity is required", '
            f'max_age="{int(max_age)}", factors="{" ".join(factors)}"'
        )
        super().__init__(reason=reason, headers={"WWW-Authenticate": challenge})


class LedToConfirmationError(SecurityError):
    """A browser's navigation is led to the page where the missing factor is proven."""

    code, status, title = "factor_required", SEE_OTHER, "Confirm that it is you"

    def __init__(self, location: str, *, reason: str = "") -> None:
        super().__init__(reason=reason, headers={"Location": location})


class ConcealedError(NotFoundError):
    """There is none, or none that this caller may know of: the answer is one and the same.

    Threat: numbers tried one after the other, until 403 instead of 404 tells which exist (ASVS
    8.2.2). Both are recorded as denials, with their reasons; the caller sees no difference.
    """
