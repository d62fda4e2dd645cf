"""What asks about tokens and ends them."""

from __future__ import annotations

from typing import Any

from zenith.accounts import IssuedTokens
from zenith.assembly.parts import Parts
from zenith.tokens import TokenManager


def token_offered(parts: Parts, manager: TokenManager) -> dict[type, Any]:
    """The service behind introspection and revocation."""
    issued = IssuedTokens(
        manager=manager,
        refresh=parts.refresh,
        sessions=parts.sessions,
        subjects=parts.stored_subjects,
        events=parts.events,
    )
    return {IssuedTokens: issued}
