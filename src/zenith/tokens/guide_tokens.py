"""The guide's five functions, bound to a manager instead of to globals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from zenith.tokens.jws import Claims
from zenith.tokens.manager import TokenManager, TokenType


class GuideTokens:
    """Token functions with the names and shapes of the guide.

    `tokens = GuideTokens(manager)`, then `tokens.create_access_token({"sub": account.id})`, or
    `create_access_token = tokens.create_access_token` for code that imports the plain names.

    What looks at revocations is awaited, for other processes may have revoked. Refresh tokens of
    this kind are signed texts that hold until they expire; `RefreshTokens` has the rotating ones.
    """

    def __init__(self, manager: TokenManager) -> None:
        self._manager: Final = manager

    def create_access_token(
        self, data: Mapping[str, Any], expires_delta: timedelta | None = None
    ) -> str:
        """An access token with the claims of `data`, which names the subject in `sub`.

        Raises ValueError without a subject, or for claims that only the manager may write.
        """
        return self._issue("access", data, expires_delta)

    def create_refresh_token(
        self, data: Mapping[str, Any], expires_delta: timedelta | None = None
    ) -> str:
        """A refresh token with the claims of `data`; it is refused wherever access is asked for."""
        return self._issue("refresh", data, expires_delta)

    async def verify_token(self, token: str, expected_type: TokenType = "access") -> Claims:
        """The claims of a token that holds and was not revoked; raises TokenError otherwise."""
        return await self._manager.verify_token(token, expected_type)

    async def revoke_token(self, jti: str) -> None:
        """Refuse the token with this `jti` from now on, in every process."""
        await self._manager.revoke_token(jti)

    async def is_token_revoked(self, jti: str) -> bool:
        """Whether the token with this `jti` was revoked."""
        return await self._manager.is_token_revoked(jti)

    def _issue(
        self, kind: TokenType, data: Mapping[str, Any], expires_delta: timedelta | None
    ) -> str:
        lifetime = None if expires_delta is None else expires_delta.total_seconds()
        return self._manager.issue(kind, data, lifetime=lifetime)
