"""What is refused at the border between tenants."""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin

from zenith.kernel.errors import AuthenticationError, PermissionDeniedError, ZenithError


class TenantRequiredError(PermissionDeniedError, DontWrapMixin):
    """A tenant's data was asked for, and nobody has said which tenant's."""

    code, title = "tenant_required", "No tenant was chosen"


class CallerRequiredError(AuthenticationError, DontWrapMixin):
    """A tenant's data was asked for by somebody of whom nothing is known."""


class TenantError(ZenithError, DontWrapMixin):
    """Code would cross the border between tenants: a mistake in code, answered with 500."""

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(f"{problem}\n  fix: {fix}")


class ForeignReferenceError(PermissionDeniedError, DontWrapMixin):
    """A row refers to something that its tenant does not have. Whether another has it is not told.

    ASVS 8.4.1.
    """

    code, status, title = "unknown_reference", 422, "It refers to something that does not exist"
