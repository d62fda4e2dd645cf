"""What can be wrong with an API key, and with asking for one."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from zenith.kernel.errors import AuthenticationError, ConflictError, ValidationError

KeyFault: TypeAlias = Literal[
    "malformed",
    "unknown",
    "revoked",
    "expired",
    "owner_inactive",
    "owner_left",
    "key_in_query",
    "bound",
    "unbound",
    "unproven",
]


class APIKeyError(AuthenticationError):
    """An API key does not hold. The client learns that and nothing more (ASVS 16.5.1).

    `reason` is one of `KeyFault`, followed by the key's id where the whole key was shown, and goes
    to the audit log only: whose key leaked can be read there, the key itself cannot.
    """

    code, status, title = "invalid_api_key", 401, "The API key is invalid or has expired"

    def __init__(self, fault: KeyFault, *, key_id: str = "", challenge: str = "") -> None:
        self.fault: Final = fault
        super().__init__(
            reason=f"{fault}:{key_id}" if key_id else fault,
            headers={"WWW-Authenticate": challenge} if challenge else None,
        )


class KeyRequestError(ValidationError):
    """A key cannot be made as it was asked for; `errors` says what to change."""

    code, title = "invalid_api_key_request", "The key cannot be made like this"

    def __init__(self, field: str, problem: str) -> None:
        fault = {"type": "api_key_request", "loc": ["body", field], "msg": problem}
        super().__init__([fault])
        self.detail = problem


class TooManyKeysError(ConflictError):
    """The owner has as many living keys as the settings allow."""

    code, title = "too_many_api_keys", "Revoke a key first: there are as many as allowed"


class KeyGoneError(ConflictError):
    """The key was rotated or revoked meanwhile, or has expired."""

    code, title = "api_key_not_current", "This key was rotated or revoked, or has expired"
