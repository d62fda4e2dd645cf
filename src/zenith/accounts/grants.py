"""Access and refresh tokens of a sign-in."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from zenith.accounts.authentication_methods import authentication_claims
from zenith.accounts.client import Client
from zenith.accounts.device_watch import DeviceWatch
from zenith.accounts.notices import Notices, seen
from zenith.accounts.store import AccountStore
from zenith.authentication import SubjectSource
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.records import dataclass
from zenith.sessions import SessionRecord, Sessions
from zenith.tokens import RefreshGrant, RefreshTokens, TokenError, TokenManager, TokenReusedError

REUSED: Final = "refresh_token_reused"
TokenKind: TypeAlias = Literal["bearer", "DPoP"]
"""How an access token is presented."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TokenPair:
    """What a program receives when it signs in or refreshes."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds for which the access token holds."""
    session_id: str
    token_type: TokenKind = "bearer"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AccessGrant:
    """An access token alone."""

    token: str
    expires_in: int
    """Seconds for which it holds."""
    token_type: TokenKind = "bearer"


class TokenGrants:
    """Issues token pairs and keeps them tied to their session and account.

    Threat: a refresh token that is copied (RFC 9700 section 4.14.2, ASVS 10.4.5), tokens that
    outlive their session or their account's lock (ASVS 7.4.1, 7.4.2), and tokens that are issued
    while a role is taken away and carry it on. So `subjects` is no cache, and a token is as old as
    the question for what it says.
    """

    def __init__(
        self,
        *,
        manager: TokenManager,
        refresh: RefreshTokens,
        sessions: Sessions,
        subjects: SubjectSource,
        events: EventSink,
        access_lifetime: float,
        watch: DeviceWatch | None = None,
        accounts: AccountStore | None = None,
        notices: Notices | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._manager: Final = manager
        self._refresh: Final = refresh
        self._sessions: Final = sessions
        self._subjects: Final = subjects
        self._events: Final = events
        self._access_lifetime: Final = access_lifetime
        self._watch: Final = watch
        self._accounts: Final = accounts
        self._notices: Final = notices
        self._clock: Final = clock

    async def begin(self, account_id: str, session: SessionRecord, *, client: Client) -> TokenPair:
        """The first pair of a session, bound to the key that the client has proven, if any."""
        grant = await self._refresh.start(
            session_id=session.id, account_id=account_id, thumbprint=client.thumbprint
        )
        pair = await self._pair(grant, session, client)
        self._events.note(
            client.event(
                EventType.TOKEN_ISSUED,
                "success",
                at=self._clock(),
                subject=account_id,
                session_id=session.id,
            )
        )
        return pair

    async def rotate(self, refresh_token: str, *, client: Client) -> TokenPair:
        """Spend a refresh token for the next pair.

        Raises TokenError for one that does not hold; one that was spent before ends the whole
        sign-in and is recorded as critical. AuthenticationError is raised where the session has
        ended, or is bound to another device or network.
        """
        try:
            grant = await self._spend(refresh_token, client)
        except TokenReusedError as error:
            await self._alarm(error, client)
            raise
        session = await self._sessions.get(grant.family_id)
        if session is None:
            await self._refresh.revoke_family(grant.family_id)
            raise AuthenticationError(reason="the session of this refresh token has ended")
        if self._watch is not None:
            await self._watch.check(session, client)
        await self._sessions.touch(session)
        pair = await self._pair(grant, session, client)
        self._events.note(
            client.event(
                EventType.TOKEN_REFRESHED,
                "success",
                at=self._clock(),
                subject=grant.account_id,
                session_id=session.id,
            )
        )
        return pair

    async def end(self, session_id: str) -> None:
        """Revoke the refresh tokens of one sign-in."""
        await self._refresh.revoke_family(session_id)

    async def end_all(self, account_id: str, *, keep: str | None = None) -> None:
        """Revoke the refresh tokens of every sign-in of the account but `keep`."""
        await self._refresh.revoke_account(account_id, keep=keep)

    async def _spend(self, refresh_token: str, client: Client) -> RefreshGrant:
        async with one_step():
            # An error that left the step would undo the end of the family.
            try:
                return await self._refresh.rotate(refresh_token, thumbprint=client.thumbprint)
            except TokenError as error:
                refusal = error
            if isinstance(refusal, TokenReusedError):
                # The next attempt finds a family that is revoked, and no theft: now or never.
                await self._record_reuse(refusal, client)
        raise refusal

    async def _record_reuse(self, error: TokenReusedError, client: Client) -> None:
        await self._events.record(
            client.event(
                EventType.TOKEN_REUSED,
                "denied",
                at=self._clock(),
                target=error.account_id,
                session_id=error.family_id,
                reason="a spent refresh token came back; its sign-in is ended",
                severity="CRITICAL",
            )
        )

    async def _alarm(self, error: TokenReusedError, client: Client) -> None:
        await self._sessions.end(error.family_id, account_id=error.account_id, announce=True)
        # Once for a family: whoever comes next finds it revoked, which is no reuse.
        account = None
        if self._accounts is not None:
            account = await self._accounts.by_id(error.account_id)
        if account is not None and self._notices is not None:
            await self._notices.tell(account, REUSED, **seen(client, self._clock()))

    async def access(self, session: SessionRecord, *, thumbprint: str | None = None) -> AccessGrant:
        """A further access token of a live session, with what the session has proven by now.

        With a `thumbprint` it is bound to that key (RFC 9449). The refresh token is not touched.
        It ends with the session at the latest (ASVS 7.3.2).
        Raises AuthenticationError for an account that is locked or gone; its refresh tokens are
        revoked then.
        """
        known_at = self._clock()
        subject = await self._subjects.find(session.account_id)
        if subject is None or not subject.active:
            await self._refresh.revoke_family(session.id)
            raise AuthenticationError(reason="the account is locked or gone")
        # One second at least: the session was found alive a moment ago.
        lifetime = min(self._access_lifetime, max(1.0, session.expires_at - known_at))
        token = self._manager.issue_access(
            session.account_id,
            session_id=session.id,
            roles=subject.held_roles,
            role_ends=subject.ending_roles,
            permissions=subject.own_permissions,
            factors=session.factors,
            tenant=subject.tenant,
            claims=authentication_claims(session.factors),
            thumbprint=thumbprint,
            lifetime=lifetime,
            known_at=known_at,
        )
        return AccessGrant(
            token=token,
            expires_in=int(lifetime),
            token_type="bearer" if thumbprint is None else "DPoP",
        )

    async def _pair(self, grant: RefreshGrant, session: SessionRecord, client: Client) -> TokenPair:
        access = await self.access(session, thumbprint=client.thumbprint)
        return TokenPair(
            access_token=access.token,
            refresh_token=grant.token,
            expires_in=access.expires_in,
            session_id=session.id,
            token_type=access.token_type,
        )
