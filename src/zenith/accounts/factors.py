"""What is still due after one factor was proven, and the challenge that waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import ClassVar, Final, Protocol, TypeAlias

from zenith.accounts.client import Client
from zenith.accounts.errors import FactorChallengeError, InvalidCredentialsError
from zenith.accounts.store import Account
from zenith.authorization import Access, Decision
from zenith.authorization.requirements import SignedIn
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.keys import digest, new_token
from zenith.kernel.principal import NO_FACTORS, Principal
from zenith.kernel.records import dataclass
from zenith.sessions import SessionKind, SessionRecord

CHALLENGE_LIFETIME: Final = 10 * 60.0
"""Seconds for which a second factor may be proven after the first."""
MAX_ATTEMPTS: Final = 5
"""Tries at one challenge; afterwards the first factor is asked for again."""
_COOKIE: Final = "zenith-factor"
StillHolds: TypeAlias = Callable[[], Awaitable[bool]]
"""Whether what was proven still opens the account: a key or link may be removed meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class FactorsDue:
    """The answer in place of a sign-in: one more factor must be proven."""

    challenge: str
    """Secret, valid once. Programs send it back with the factor; browsers keep it in a cookie that
    no script reads."""
    kinds: tuple[str, ...]
    """Factors that the account has, any of which will do."""
    expires_in: int
    """Seconds."""


@dataclass(frozen=True, slots=True, repr=False)
class Proven:
    """Who has proven what, from where."""

    account: Account
    factors: Mapping[str, float]
    client: Client
    still: StillHolds | None = None
    refusal: type[AuthenticationError] = InvalidCredentialsError
    """What is answered where it does not hold any more."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class BrowserSignIn:
    """A new session and the value of its cookie."""

    account: Account
    session: SessionRecord
    cookie: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What an account must still prove."""

    kinds: tuple[str, ...] = ()
    """Any one of these; empty if nothing is due."""
    proven: Mapping[str, float] = field(default_factory=lambda: NO_FACTORS)
    """Factors that the client proves by itself, such as a trusted device, with their times."""


class SecondFactors(Protocol):
    """What accounts have besides a password; `mfa` provides it."""

    async def due(self, account: Account, factors: Mapping[str, float], client: Client) -> Due:
        """What is still due from who has proven `factors`."""
        ...

    async def verify(
        self, account: Account, kind: str, proof: str, *, client: Client, binding: str
    ) -> Mapping[str, float]:
        """The factors that `proof` proves, with the time. `binding` names the challenge for which
        it was asked. Raises InvalidFactorError, and RateLimitError after too many attempts.
        """
        ...


class PasswordAlone:
    """The second factors of an application that has none."""

    async def due(self, account: Account, factors: Mapping[str, float], client: Client) -> Due:
        """Nothing."""
        del account, factors, client
        return Due()

    async def verify(
        self, account: Account, kind: str, proof: str, *, client: Client, binding: str
    ) -> Mapping[str, float]:
        """Nothing can be proven."""
        del account, kind, proof, client, binding
        raise FactorChallengeError(reason="this application has no second factors")


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingSignIn:
    """A sign-in that waits for a second factor. Times are Unix times in seconds."""

    digest: str
    """SHA-256 of the challenge."""
    account_id: str
    kind: SessionKind
    """A challenge for a browser opens no tokens, and the other way round."""
    factors: Mapping[str, float]
    password_state: str
    """Of the account when the first factor was proven: a change of the password ends this."""
    expires_at: float
    attempts: int = 0


class PendingStore(Protocol):
    """Sign-ins that wait, seen by every process."""

    async def put(self, record: PendingSignIn) -> None:
        """Store a new one."""
        ...

    async def find(self, digest: str, *, kind: SessionKind, now: float) -> PendingSignIn | None:
        """The one with this digest and kind if it has not expired; changes nothing."""
        ...

    async def attempt(
        self, digest: str, *, kind: SessionKind, now: float, limit: int
    ) -> PendingSignIn | None:
        """Count a try in one step; None if there is no such one or `limit` tries were counted."""
        ...

    async def consume(self, digest: str, *, now: float) -> bool:
        """Remove it in one step. Of many concurrent callers one is told True."""
        ...

    async def end_all(self, account_id: str) -> int:
        """Remove all of the account in one step; how many there were."""
        ...

    async def prune(self, *, now: float) -> int:
        """Remove what has expired; how many there were."""
        ...


class PendingSignIns:
    """Issues and spends challenges.

    Threat: the second step taken without the first, for another account, twice, or as often as it
    takes to guess a code (ASVS 6.3.3, 6.3.4, 6.5.1, 6.6.3). A challenge is 256 random bits of which
    only the SHA-256 is kept, holds `CHALLENGE_LIFETIME` seconds and `MAX_ATTEMPTS` tries, and is
    spent by one atomic step. It ends with the account's sign-ins (ASVS 7.4.3): who is found out
    half-way, by the end of a link or a lock, has nothing left in hand.
    """

    def __init__(self, store: PendingStore, *, clock: Clock = wall_clock) -> None:
        self._store: Final = store
        self._clock: Final = clock

    async def begin(
        self,
        account: Account,
        kind: SessionKind,
        factors: Mapping[str, float],
        kinds: tuple[str, ...],
        still: StillHolds | None = None,
    ) -> FactorsDue:
        """A challenge for who has proven `factors`, and must prove one of `kinds`.

        Raises InvalidCredentialsError for a False of `still`: whoever removes what was proven ends
        what waits, and either finds this one or is seen here.
        """
        challenge = new_token()
        pending = PendingSignIn(
            digest=digest(challenge),
            account_id=account.id,
            kind=kind,
            factors=dict(factors),
            password_state=password_state(account),
            expires_at=self._clock() + CHALLENGE_LIFETIME,
        )
        await self._store.put(pending)
        if still is not None and not await still():
            await self.spend(pending)
            raise InvalidCredentialsError(reason="what was proven was removed during the sign-in")
        return FactorsDue(challenge=challenge, kinds=kinds, expires_in=int(CHALLENGE_LIFETIME))

    async def find(self, challenge: str, kind: SessionKind) -> PendingSignIn:
        """The sign-in that waits; nothing is counted. Raises FactorChallengeError."""
        found = await self._store.find(digest(challenge), kind=kind, now=self._clock())
        if found is None:
            raise FactorChallengeError(reason="no such challenge")
        return found

    async def attempt(self, challenge: str, kind: SessionKind) -> PendingSignIn:
        """Count a try. Raises FactorChallengeError if there is none left."""
        found = await self._store.attempt(
            digest(challenge), kind=kind, now=self._clock(), limit=MAX_ATTEMPTS
        )
        if found is None:
            raise FactorChallengeError(reason="no such challenge, or no try left")
        return found

    async def spend(self, pending: PendingSignIn) -> bool:
        """Use it up; False where another request was first, or the account's sign-ins ended."""
        return await self._store.consume(pending.digest, now=self._clock())

    async def end_all(self, account_id: str) -> int:
        """End what waits for the account; how many there were."""
        return await self._store.end_all(account_id)


def password_state(account: Account) -> str:
    """Changes with every change of the password, and with nothing else."""
    return repr(account.password_changed_at)


def factor_cookie_name(*, secure: bool) -> str:
    """Name of the cookie that holds a browser's challenge; `secure` as for the session's."""
    return f"__Host-{_COOKIE}" if secure else _COOKIE


def factor_cookie(challenge: str, *, secure: bool, lifetime: float = CHALLENGE_LIFETIME) -> str:
    """Set-Cookie that hands `FactorsDue.challenge` to the browser that began, and to no other
    (ASVS 3.3.1 to 3.3.4). A lifetime of zero seconds removes it.
    """
    flags = "; Secure" if secure else ""
    name = factor_cookie_name(secure=secure)
    return f"{name}={challenge}; Path=/; Max-Age={int(lifetime)}; HttpOnly; SameSite=Lax{flags}"


class InPerson(SignedIn):
    """Any caller, but people only with the whole of their credential.

    Threat: a token that was narrowed by scopes, for a program that shall do one thing, and that
    makes itself the owner: signs out, adds a second factor, takes a copy of the account (ASVS
    8.2.1, 8.3.2).
    """

    keys: ClassVar[str] = "never"
    """For the description of the API: nothing that is one's own is a key's."""

    def decide(self, principal: Principal) -> Decision:
        """Deny who was given a part of what somebody may do."""
        if principal.kind == "user" and principal.scopes is not None:
            return Decision(
                allowed=False,
                detail="This needs a sign-in of its owner, not a token with scopes",
                reason=f"user {principal.subject}: narrowed",
            )
        return SignedIn.decide(self, principal)


class DuringEnrolment(Access):
    """Signed in, also for who must add a second factor before anything else is allowed."""

    __slots__ = ()


in_person: Final = Access(InPerson())
"""`@authenticated` for what is one's own account's alone."""
authenticated_to_enrol: Final = DuringEnrolment(InPerson())
"""`@authenticated` for the few routes that lead to a second factor, or out."""
