"""JSON Web Tokens: issue, verify and revoke them, and a route that asks for one.

Signing in (`POST /auth/login`) already gives tokens that rotate; these functions are for code that
issues some of its own. They share keys and revocations with the application, so its routes accept
what they issue and refuse what they revoke.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from zenith import Depends, Zenith, get_current_user
from zenith.accounts import User
from zenith.tokens import GuideTokens, TokenManager

router = APIRouter()


def token_manager(app: Zenith) -> TokenManager:
    """The application's keys, lifetimes and revocations in one object."""
    parts = app.assembly
    return TokenManager(
        keyring=parts.keyring, settings=parts.settings.tokens, revocations=parts.revocations
    )


def token_functions(app: Zenith) -> GuideTokens:
    """`create_access_token`, `create_refresh_token`, `verify_token`, `revoke_token`,
    `is_token_revoked`.
    """
    return GuideTokens(token_manager(app))


@router.get("/protected")
async def protected_endpoint(
    current_user: Annotated[User, Depends(get_current_user)],
) -> dict[str, str]:
    """For whoever is signed in; the account is looked up, so a locked one gets no further."""
    return {"message": f"Hello user {current_user.id}"}
