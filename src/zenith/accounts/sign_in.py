"""Password sign-in, for browsers and for programs, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from zenith.abuse import Admission
from zenith.accounts.client import Client
from zenith.accounts.confirmation import UNCONFIRMED, Confirmation, refusal_reason
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import (
    FactorChallengeError,
    InvalidCredentialsError,
    InvalidEmailError,
    InvalidFactorError,
)
from zenith.accounts.evenness import EvenTime
from zenith.accounts.factors import (
    BrowserSignIn,
    FactorsDue,
    PasswordAlone,
    PendingSignIn,
    PendingSignIns,
    Proven,
    SecondFactors,
    StillHolds,
    password_state,
)
from zenith.accounts.grants import TokenGrants, TokenPair
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.store import Account, AccountStore
from zenith.accounts.stored_password import verified_and_renewed
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError, RateLimitError, SecurityError
from zenith.kernel.events import EventSink, EventType, Outcome
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.passwords import PasswordHasher
from zenith.sessions import SessionKind, SessionRecord, Sessions

PASSWORD_FACTOR: Final = "password"


class SignIn:
    """Verifies passwords and begins sessions.

    Threat: guessing and stuffing of passwords (ASVS 6.3.1), answers that tell which accounts exist
    (ASVS 6.3.8), a session id known before the sign-in (ASVS 7.2.4). Unknown e-mail, wrong password
    and locked account cost the same work and give the same answer.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        hasher: PasswordHasher,
        limits: AttemptLimits,
        sessions: Sessions,
        grants: TokenGrants,
        events: EventSink,
        pending: PendingSignIns,
        second_factors: SecondFactors | None = None,
        confirmation: Confirmation | None = None,
        even_time: EvenTime | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._hasher: Final = hasher
        self._limits: Final = limits
        self._sessions: Final = sessions
        self._grants: Final = grants
        self._events: Final = events
        self._pending: Final = pending
        self._second: Final[SecondFactors] = second_factors or PasswordAlone()
        self._confirmation: Final = confirmation
        self._refusal: Final = UNCONFIRMED if confirmation and confirmation.required else None
        self._even_time: Final = even_time or EvenTime(0.0)
        self._clock: Final = clock

    async def verify(self, email: str, password: str, *, client: Client) -> Account:
        """The account whose e-mail and password these are.

        Raises InvalidCredentialsError for all else, RateLimitError, ServiceUnavailableError.
        """
        try:
            _, key = canonical_email(email)
        except InvalidEmailError:
            key = ""
        # First: whether this device is known depends on the account.
        account = await self._accounts.by_email(key) if key else None
        try:
            admission = await self._limits.admit_sign_in(client, key, account)
        except RateLimitError as error:
            target = None if account is None else account.id
            await self._note(client, EventType.LOGIN_BLOCKED, target, error.reason)
            raise
        stored = None if account is None else account.password_hash
        try:
            verification, renewed = await verified_and_renewed(self._hasher, password, account)
        except SecurityError:
            await self._limits.undo(admission)
            raise
        if (
            account is None
            or not verification.ok
            or not account.is_active
            or self._is_held_back(account)
        ):
            raise await self._refused(account, admission, client, verification.ok)
        await self._limits.succeeded(admission)
        async with one_step():
            if renewed is not None and await self._accounts.set_password(
                account.id, renewed, expected=stored, changed_at=None
            ):
                await self._note(client, EventType.PASSWORD_REHASHED, account.id, "")
        return account

    def _is_held_back(self, account: Account) -> bool:
        return self._confirmation is not None and self._confirmation.is_due(account)

    async def _refused(
        self, account: Account | None, admission: Admission | None, client: Client, verified: bool
    ) -> InvalidCredentialsError:
        """Threat: a refusal that takes longer because a link was mailed. Who registered an address
        with a password of his own would learn by it whether an account was there before.
        """
        reason, target = (
            refusal_reason(account, verified=verified),
            None if account is None else account.id,
        )
        async with self._even_time():
            if self._confirmation and account and verified and account.is_active:
                await self._confirmation.remind(account)
            await self._note(client, EventType.LOGIN_FAILED, target, reason, by=PASSWORD_FACTOR)
            await self._limits.failed(admission, client, account)
        return InvalidCredentialsError(self._refusal, reason=reason)

    async def with_cookie(
        self, email: str, password: str, *, client: Client, replaces: Principal | None = None
    ) -> BrowserSignIn | FactorsDue:
        """Sign in for a browser with a password; raises what `verify` does."""
        account = await self.verify(email, password, client=client)
        factors = {PASSWORD_FACTOR: self._clock()}
        return await self.enter_browser(account, factors=factors, client=client, replaces=replaces)

    async def with_tokens(
        self, email: str, password: str, *, client: Client
    ) -> TokenPair | FactorsDue:
        """Sign in for a program with a password; raises what `verify` does."""
        account = await self.verify(email, password, client=client)
        factors = {PASSWORD_FACTOR: self._clock()}
        return await self.enter_tokens(account, factors=factors, client=client)

    async def enter_browser(
        self,
        account: Account,
        *,
        factors: Mapping[str, float],
        client: Client,
        replaces: Principal | None = None,
        still: StillHolds | None = None,
    ) -> BrowserSignIn | FactorsDue:
        """What follows once a browser has proven `factors`: its session, or a challenge.

        The session is always new; the one that it `replaces`, if any, ends, so that no id from
        before the sign-in is worth anything after it. `account` is as it was when the factors were
        proven: a lock or a change of the password since then raises InvalidCredentialsError, and
        so does a False of `still`.
        """
        due = await self._second.due(account, factors, client)
        if due.kinds:
            return await self._pending.begin(account, "browser", factors, due.kinds, still)
        proven = Proven(account, {**factors, **due.proven}, client, still)
        return await self._admit_browser(proven, replaces)

    async def enter_tokens(
        self,
        account: Account,
        *,
        factors: Mapping[str, float],
        client: Client,
        still: StillHolds | None = None,
    ) -> TokenPair | FactorsDue:
        """What follows once a program has proven `factors`: a pair of tokens, or a challenge."""
        due = await self._second.due(account, factors, client)
        if due.kinds:
            return await self._pending.begin(account, "tokens", factors, due.kinds, still)
        return await self._admit_tokens(Proven(account, {**factors, **due.proven}, client, still))

    async def waiting(self, challenge: str, kind: SessionKind) -> tuple[PendingSignIn, Account]:
        """The sign-in that waits for a second factor, and its account.

        Raises FactorChallengeError, also where account or password changed meanwhile.
        """
        return await self._fitting(await self._pending.find(challenge, kind))

    async def due_kinds(self, challenge: str, kind: SessionKind, *, client: Client) -> FactorsDue:
        """What is still due for a challenge, for the page that asks; nothing is counted."""
        pending, account = await self.waiting(challenge, kind)
        due = await self._second.due(account, pending.factors, client)
        left = max(0, int(pending.expires_at - self._clock()))
        return FactorsDue(challenge=challenge, kinds=due.kinds, expires_in=left)

    async def finish_browser(
        self,
        challenge: str,
        kind: str,
        proof: str,
        *,
        client: Client,
        replaces: Principal | None = None,
    ) -> BrowserSignIn:
        """The session of a browser that now proves its second factor, of the given `kind`.

        Raises FactorChallengeError: begin anew; InvalidFactorError and RateLimitError: try again.
        """
        proven = await self._prove(challenge, "browser", kind, proof, client)
        return await self._admit_browser(proven, replaces)

    async def finish_tokens(
        self, challenge: str, kind: str, proof: str, *, client: Client
    ) -> TokenPair:
        """The tokens of a program that now proves its second factor; raises as `finish_browser`."""
        return await self._admit_tokens(await self._prove(challenge, "tokens", kind, proof, client))

    async def _prove(
        self, challenge: str, session: SessionKind, kind: str, proof: str, client: Client
    ) -> Proven:
        """Threat: a try that is not counted. It is counted before the proof is looked at."""
        pending, account = await self._fitting(await self._pending.attempt(challenge, session))
        try:
            proven = await self._second.verify(
                account, kind, proof, client=client, binding=pending.digest
            )
        except InvalidFactorError as error:
            await self._note(client, EventType.LOGIN_FAILED, account.id, error.reason, by=kind)
            raise
        except RateLimitError as error:
            await self._note(client, EventType.LOGIN_BLOCKED, account.id, error.reason)
            raise
        still = partial(self._pending.spend, pending)
        factors = {**pending.factors, **proven}
        return Proven(account, factors, client, still, refusal=FactorChallengeError)

    async def _fitting(self, pending: PendingSignIn) -> tuple[PendingSignIn, Account]:
        account = await self._accounts.by_id(pending.account_id)
        if (
            account is None
            or not account.is_active
            or password_state(account) != pending.password_state
        ):
            raise FactorChallengeError(reason="account locked, gone, or with another password")
        return pending, account

    async def _admit_browser(self, proven: Proven, replaces: Principal | None) -> BrowserSignIn:
        account, client = proven.account, proven.client
        if replaces is not None and replaces.session_id is not None:
            async with one_step():
                await self._end(replaces.subject, replaces.session_id)
                kind, former = EventType.SESSION_ENDED, replaces.session_id
                await self._note(client, kind, replaces.subject, "replaced", former)
        session, cookie = await self._begin(proven, "browser")
        if cookie is None:
            raise AuthenticationError(reason="a browser session has no cookie")
        await self._succeeded(client, account, session)
        return BrowserSignIn(account=account, session=session, cookie=cookie)

    async def _admit_tokens(self, proven: Proven) -> TokenPair:
        account, client = proven.account, proven.client
        session, _ = await self._begin(proven, "tokens")
        try:
            pair = await self._grants.begin(account.id, session, client=client)
        except SecurityError:
            # No token has left: a sign-in that nobody holds is not shown to the owner.
            with suppress(SecurityError):
                await self._end(account.id, session.id)
            raise
        await self._succeeded(client, account, session)
        return pair

    async def renew(
        self, principal: Principal, factors: Mapping[str, float]
    ) -> tuple[SessionRecord, str | None] | None:
        """A new cookie for the principal's own session, which has just proven `factors`; None if
        the session has ended, or was given one by another request.
        """
        if principal.session_id is None:
            return None
        return await self._sessions.prove(principal.session_id, principal.subject, factors)

    async def sign_out(self, principal: Principal, *, client: Client) -> None:
        """End the sign-in that this principal's credential belongs to, everywhere at once."""
        if principal.session_id is None:
            return
        async with one_step():
            await self._end(principal.subject, principal.session_id)
            await self._note(client, EventType.LOGOUT, principal.subject, "", principal.session_id)

    async def end_session(
        self, principal: Principal, session_id: str, *, client: Client, reason: str = ""
    ) -> bool:
        """End one of the principal's own sign-ins; False if it has none with this id."""
        async with one_step():
            ended = await self._sessions.end(session_id, account_id=principal.subject)
            if ended:
                await self._grants.end(session_id)
                owner = principal.subject
                await self._note(client, EventType.SESSION_ENDED, owner, reason, session_id)
        return ended

    async def sign_out_everywhere(
        self, principal: Principal, *, client: Client, keep_current: bool = False
    ) -> int:
        """End every sign-in of the account; with `keep_current` all but this one. How many."""
        async with one_step():
            keep = principal.session_id if keep_current else None
            ended = await self.end_all(principal.subject, keep=keep)
            await self._note(client, EventType.LOGOUT_EVERYWHERE, principal.subject, "")
        return ended

    async def end_all(self, account_id: str, *, keep: str | None = None) -> int:
        """End the account's sign-ins but `keep`: sessions, access tokens, refresh tokens, and what
        waits for a second factor. That first: who spends it has stored a session before.
        """
        await self._pending.end_all(account_id)
        ended = await self._sessions.end_all(account_id, except_id=keep)
        await self._grants.end_all(account_id, keep=keep)
        return len(ended)

    async def _begin(self, proven: Proven, kind: SessionKind) -> tuple[SessionRecord, str | None]:
        """A session for who has just proven factors.

        Threat: a lock, a new password, a first second factor, or the end of what was proven, while
        it was verified. All end all sessions after they are stored: either they find this one, or
        they are seen here.
        """
        account, factors, client = proven.account, proven.factors, proven.client
        session, cookie = await self._sessions.start(
            account.id,
            kind=kind,
            address=client.address,
            user_agent=client.user_agent,
            factors=factors,
            remember=client.remember,
        )
        present = await self._accounts.by_id(account.id)
        if (
            present is None
            or not present.is_active
            or password_state(present) != password_state(account)
        ):
            reason = "locked or changed during the sign-in"
        elif (await self._second.due(present, factors, client)).kinds:
            reason = "a second factor was added during the sign-in"
        elif proven.still is not None and not await proven.still():
            reason = "what was proven was removed or spent during the sign-in"
        else:
            return session, cookie
        await self._end(account.id, session.id)
        await self._note(client, EventType.LOGIN_FAILED, account.id, reason)
        raise proven.refusal(reason=reason)

    async def _end(self, account_id: str, session_id: str) -> None:
        # The session first: without it no token is accepted, even if the second step fails.
        await self._sessions.end(session_id, account_id=account_id, announce=True)
        await self._grants.end(session_id)

    async def _succeeded(self, client: Client, account: Account, session: SessionRecord) -> None:
        async with one_step():
            await self._accounts.note_sign_in(account.id, self._clock())
            by = "+".join(sorted(session.factors))
            await self._note(client, EventType.LOGIN_SUCCESS, account.id, "", session.id, by=by)

    async def _note(
        self,
        client: Client,
        kind: EventType,
        account_id: str | None,
        reason: str,
        session_id: str | None = None,
        by: str = "",
    ) -> None:
        failed = kind in (EventType.LOGIN_FAILED, EventType.LOGIN_BLOCKED)
        outcome: Outcome = "denied" if kind is EventType.LOGIN_BLOCKED else "failure"
        who = {"target": account_id} if failed else {"subject": account_id}
        await self._events.record(
            client.event(
                kind,
                outcome if failed else "success",
                at=self._clock(),
                **who,
                session_id=session_id,
                scheme=by,
                reason=reason,
                severity="WARNING" if failed else "INFO",
            )
        )
