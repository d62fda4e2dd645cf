"""What a token is worth now, and how it ends before its time."""

from __future__ import annotations

from typing import Any, Final

from zenith.accounts.client import Client
from zenith.authentication import SubjectSource
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import digest
from zenith.kernel.one_step import one_step
from zenith.sessions import Sessions
from zenith.tokens import RefreshTokens, TokenError, TokenManager

INACTIVE: Final[dict[str, Any]] = {"active": False}
SHOWN: Final[tuple[str, ...]] = (
    *("iss", "aud", "sub", "exp", "iat", "jti", "sid"),
    *("client_id", "scope", "tenant", "cnf"),
)
"""Claims that an introspection repeats; roles and factors are nobody's business but ours."""


class IssuedTokens:
    """Introspects and revokes tokens of both kinds.

    Threats: a token that outlives its loss, because whoever holds it cannot end it (RFC 7009,
    ASVS 10.4.9); and an introspection that serves as an oracle: to whomever may ask, a token that
    was never issued, has expired, was revoked, or is another's reads the same (RFC 7662 sections
    2.2 and 4).
    """

    def __init__(
        self,
        *,
        manager: TokenManager,
        refresh: RefreshTokens,
        sessions: Sessions,
        subjects: SubjectSource,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._manager: Final = manager
        self._refresh: Final = refresh
        self._sessions: Final = sessions
        self._subjects: Final = subjects
        self._events: Final = events
        self._clock: Final = clock

    async def introspect(self, token: str, *, thumbprint: str | None = None) -> dict[str, Any]:
        """What RFC 7662 section 2.2 answers.

        Of a refresh token that is bound to a key, nothing is known without its `thumbprint`.
        """
        claims = await self._claims(token)
        if claims is not None:
            if not await self._is_active(claims["sub"]):
                return INACTIVE
            kind = "DPoP" if "cnf" in claims else "Bearer"
            shown = {name: claims[name] for name in SHOWN if name in claims}
            return {"active": True, "token_type": kind, **shown}
        family = await self._refresh.find(token, thumbprint=thumbprint)
        if family is None or family.current != digest(token):
            return INACTIVE
        alive = await self._sessions.get(family.id) is not None
        if not alive or not await self._is_active(family.account_id):
            return INACTIVE
        return {
            "active": True,
            "token_type": "refresh_token",
            "sub": family.account_id,
            "sid": family.id,
            "iat": int(family.created_at),
            "exp": int(family.expires_at),
        }

    async def revoke(self, token: str, *, client: Client) -> None:
        """End a token: an access token alone, with a refresh token the whole sign-in.

        A refresh token does so also when it was spent before. What is unknown is ended already;
        nobody is told (RFC 7009 section 2.2).
        """
        claims = await self._claims(token)
        if claims is not None:
            async with one_step():
                # Not for longer: whoever refreshes and revokes without end fills no memory.
                await self._manager.revoke_token(claims["jti"], expires_at=claims["exp"])
                await self._record(client, claims["sub"], claims.get("sid"), "access token")
            return
        family = await self._refresh.find(token, thumbprint=client.thumbprint)
        if family is None:
            return
        async with one_step():
            await self._refresh.revoke_family(family.id)
            await self._sessions.end(family.id, account_id=family.account_id, announce=True)
            await self._record(client, family.account_id, family.id, "refresh token")

    async def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            claims = self._manager.verify(token)
            return None if await self._manager.is_revoked(claims) else claims
        except TokenError:
            return None

    async def _is_active(self, subject_id: str) -> bool:
        subject = await self._subjects.find(subject_id)
        return subject is not None and subject.active

    async def _record(
        self, client: Client, subject: str, session_id: str | None, reason: str
    ) -> None:
        await self._events.record(
            client.event(
                EventType.TOKEN_REVOKED,
                "success",
                at=self._clock(),
                subject=subject,
                session_id=session_id,
                reason=reason,
            )
        )
