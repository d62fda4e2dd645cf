"""What an access token tells other services about the authentication (RFC 9068 section 2.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {"password": "pwd", "passkey": "pop", "recovery_code": "otp", "totp": "otp"}
)
"""Factors as the registry of RFC 8176 names them; others keep their own names."""
MULTIPLE: Final = "mfa"
FIRST_DATE: Final = 1.0
"""Times below it are of proofs of which nobody said when they were given: recent for no one."""


def authentication_claims(factors: Mapping[str, float]) -> dict[str, Any]:
    """`auth_time`, when the last factor was proven in Unix seconds, and `amr`, by which methods.

    A moment that nobody told is not made up. `mfa` is said only for something known together with
    something held (RFC 8176 section 2).
    """
    if not factors:
        return {}
    methods = {METHODS.get(name, name) for name in factors}
    if "pwd" in methods and not methods.isdisjoint(("otp", "pop")):
        methods.add(MULTIPLE)
    proven_at = max(factors.values())
    dated = {"auth_time": int(proven_at)} if proven_at >= FIRST_DATE else {}
    return {**dated, "amr": sorted(methods)}
