"""What can be wrong with a token. One class, one text for clients, private reasons for the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from zenith.kernel.errors import AuthenticationError

TokenFault: TypeAlias = Literal[
    "malformed",
    "oversized",
    "bad_encoding",
    "bad_json",
    "bad_header",
    "critical_extension",
    "algorithm_refused",
    "unknown_key",
    "key_not_valid",
    "bad_signature",
    "not_claims",
    "missing_claim",
    "bad_claim",
    "wrong_type",
    "wrong_issuer",
    "wrong_audience",
    "expired",
    "not_yet_valid",
    "issued_in_future",
    "revoked",
    "reused",
    "unknown_token",
    "ambiguous_credential",
    "token_in_query",
    "bound",
    "unbound",
]

CHALLENGE: Final = 'Bearer error="invalid_token"'


class TokenError(AuthenticationError):
    """A token does not hold. The client learns that and nothing more (ASVS 16.5.1).

    Telling an expired token from a forged one would help whoever forges. `reason` is one of
    `TokenFault`, followed for claims by the claim's name, and goes to the audit log only.
    """

    code, status, title = "invalid_token", 401, "The token is invalid or has expired"

    def __init__(self, fault: TokenFault, *, claim: str = "") -> None:
        self.fault: Final = fault
        super().__init__(
            reason=f"{fault}:{claim}" if claim else fault,
            headers={"WWW-Authenticate": CHALLENGE},
        )


class TokenReusedError(TokenError):
    """A spent refresh token came back: it was copied. Its family has just been revoked.

    Carries what the alarm needs (RFC 9700 section 4.14.2): whoever catches it records
    TOKEN_REUSED, ends the session `family_id` and tells the owner of `account_id`.
    """

    def __init__(self, *, family_id: str, account_id: str) -> None:
        super().__init__("reused")
        self.family_id: Final = family_id
        self.account_id: Final = account_id


class DpopError(AuthenticationError):
    """A proof of possession does not hold (RFC 9449 section 7.1). Which part, only the log says."""

    code, status, title = "invalid_dpop_proof", 401, "The proof of possession does not hold"

    def __init__(self, fault: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.fault: Final = fault
        found = {"WWW-Authenticate": f'DPoP error="{self.code}"', **(headers or {})}
        super().__init__(reason=f"dpop:{fault}", headers=found)


class DpopNonceError(DpopError):
    """The proof must carry the nonce that `DPoP-Nonce` brings (RFC 9449 sections 8 and 9)."""

    code, status, title = "use_dpop_nonce", 401, "Sign the server's nonce"

    def __init__(self, nonce: str) -> None:
        super().__init__("nonce", headers={"DPoP-Nonce": nonce, "Cache-Control": "no-store"})
