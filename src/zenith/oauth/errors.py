"""What can go wrong at a provider, as the visitor is told. No text of the provider is repeated."""

from __future__ import annotations

from zenith.kernel.errors import (
    BadRequestError,
    ConflictError,
    PermissionDeniedError,
    SecurityError,
)


class AuthorizationStateError(BadRequestError):
    """The answer belongs to no sign-in that this browser began: forged, repeated, or too late."""

    code, title = "oauth_state", "This sign-in has expired, was used before, or began elsewhere"

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            "This sign-in has expired, was used before, or began in another browser. Begin again.",
            reason=reason,
        )


class AuthorizationDeniedError(PermissionDeniedError):
    """The provider did not let the person in, or the person declined."""

    code, title = "oauth_denied", "The sign-in was not completed"

    def __init__(self, *, label: str, reason: str) -> None:
        super().__init__(f"{label} did not sign you in. You may try again.", reason=reason)


class LogoutTokenError(BadRequestError):
    """What a provider, or somebody in its name, orders to end cannot be believed."""

    code, title = "oauth_logout", "The logout token does not hold"

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=f"logout token: {reason}")
        # OpenID Connect Back-Channel Logout 1.0 section 2.8.
        self.extensions = {"error": "invalid_request"}


class ProviderError(SecurityError):
    """The provider cannot be reached, or answers what cannot be believed."""

    code, status, title = "oauth_provider", 502, "The sign-in service did not answer as it should"

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            "The sign-in service did not answer as it should. Try again, or sign in another way.",
            reason=reason,
        )


class EmailNeededError(PermissionDeniedError):
    """The provider vouches for no e-mail address, and without one there is no new account."""

    code, title = "oauth_email", "A confirmed e-mail address is needed"

    def __init__(self, *, label: str) -> None:
        super().__init__(
            f"{label} confirms no e-mail address of yours. Create an account here, then link"
            f" {label} to it.",
            reason="no verified e-mail",
        )


class NotAskedError(PermissionDeniedError):
    """The provider does not prove that it asked the person again."""

    code, title = "oauth_not_asked", "Confirm in another way"

    def __init__(self, *, label: str) -> None:
        super().__init__(
            f"{label} does not prove that it asked you again. Confirm in another way; who has no"
            " password gets one by the mail for a forgotten one.",
            reason="no auth_time since the departure",
        )


class NotLinkedError(ConflictError):
    """The mailbox, which the visitor owns, has an account that this identity is not linked to."""

    code, title = "oauth_not_linked", "Your account is not linked to this sign-in"

    def __init__(self, *, label: str) -> None:
        super().__init__(
            f"You have an account with this e-mail address already. Sign in to it, then link"
            f" {label} on the page of your linked identities.",
            reason="the e-mail has an account",
        )


class IdentityTakenError(ConflictError):
    """The identity signs in to another account."""

    code, title = "oauth_taken", "This identity is linked to another account"


class LastWayInError(ConflictError):
    """Without this identity the account's owner could not sign in any more."""

    code, title = "last_way_in", "This is the only way in to your account: set a password first"


class AccountClosedError(PermissionDeniedError):
    """The account behind the identity is locked."""

    code, title = "account_locked", "This account is locked"


class HandOverError(BadRequestError):
    """The code for tokens is unknown, used, expired, or was given to somebody else."""

    code, title = "oauth_code", "This code is not valid any more"


class FormAnswerError(SecurityError):
    """Not refused but led on: the same answer as an address, for the browser to ask for."""

    code, status, title = "oauth_form_answer", 303, "Go on"

    def __init__(self, location: str) -> None:
        super().__init__(headers={"Location": location})
