"""What can go wrong with an account, as its owner is told."""

from __future__ import annotations

from zenith.kernel.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    PermissionDeniedError,
    ValidationError,
)
from zenith.passwords import PolicyResult


class InvalidCredentialsError(AuthenticationError):
    """Unknown e-mail, wrong password and locked account are one and the same to the outside
    (ASVS 6.3.8).
    """

    code, title = "invalid_credentials", "E-mail or password is wrong"


class InvalidFactorError(AuthenticationError):
    """The code or key does not prove the factor, or was used before."""

    code, title = "invalid_factor", "That is not valid, or was used before"


class FactorChallengeError(AuthenticationError):
    """The second step came too late, too often, or without the first."""

    code, title = (
        "factor_challenge_invalid",
        "Sign in again: this took too long or failed too often",
    )


class WeakPasswordError(ValidationError):
    """The password policy refuses the new password; `errors` says what to improve."""

    code, title = "weak_password", "Choose another password"

    @classmethod
    def of(cls, result: PolicyResult, *, field: str) -> WeakPasswordError:
        """One fault per problem, in FastAPI's shape."""
        return cls(
            [
                {
                    "type": f"password_{problem.code}",
                    "loc": ["body", field],
                    "msg": problem.message,
                }
                for problem in result.problems
            ]
        )


class InvalidEmailError(ValidationError):
    """The text is no e-mail address."""

    code, title = "invalid_email", "Enter a valid e-mail address"

    def __init__(self, detail: str, *, field: str = "email") -> None:
        super().__init__([{"type": "invalid_email", "loc": ["body", field], "msg": detail}])
        self.detail = detail


class InvalidNameError(ValidationError):
    """The text is no name that could be shown."""

    code, title = "invalid_name", "Enter a name without control characters"

    def __init__(self, *, field: str = "name") -> None:
        super().__init__([{"type": "invalid_name", "loc": ["body", field], "msg": self.title}])
        self.detail = self.title


class NotAnAccountError(PermissionDeniedError):
    """The credential holds, and stands for no person: an API key or a service.

    An API key is not taken for its owner here: a route that wants a person would give the key all
    that the person may do, whatever its scopes say (ASVS 8.2.1).
    """

    code, title = (
        "not_an_account",
        "This is for people who signed in; an API key or a service is no account",
    )


class RegistrationClosedError(PermissionDeniedError):
    """This application makes accounts for people; they do not make their own."""

    code, title = "registration_closed", "Registration is closed"


class SetupLinkError(PermissionDeniedError):
    """The first-run link was used, has expired, or never existed."""

    code, title = "setup_link_invalid", "This setup link is not valid any more"

    def __init__(self, *, reason: str = "") -> None:
        super().__init__(
            "It works once, for a while, and only where a server printed it last. If there is no"
            " administrator yet, start the server again: it prints another.",
            reason=reason,
        )


class MailLinkError(BadRequestError):
    """The link was used, has expired, was voided by a change, or never existed."""

    code, title = "link_invalid", "This link is not valid any more"


class LastAdministratorError(ConflictError):
    """The change would leave nobody who can administer the accounts."""

    code, title = "last_administrator", "The last administrator cannot be removed"
