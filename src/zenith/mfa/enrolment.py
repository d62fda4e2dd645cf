"""Adding and removing one's own second factors."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from zenith.accounts import Account, AccountStore, Client, SignIn
from zenith.accounts.notices import Notices
from zenith.authorization import STEP_UP, FactorRequiredError
from zenith.authorization.requirements import HasFactor
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError, NotFoundError, ValidationError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.kernel.sealing import Sealer
from zenith.mfa.challenges import LENGTH, Challenges
from zenith.mfa.errors import EnrolmentFailedError, FactorExistsError
from zenith.mfa.passkeys import Passkeys
from zenith.mfa.qr_code import qr_svg
from zenith.mfa.recovery_codes import code_digest, new_codes
from zenith.mfa.settings import MfaSettings
from zenith.mfa.store import FactorCounts, FactorStore, PasskeyRecord, PasskeyStore, TotpRecord
from zenith.mfa.totp import accepted_step, base32, key_uri, new_secret
from zenith.mfa.trusted_devices import TRUSTED_DEVICE
from zenith.mfa.verification import SECOND_FACTORS, totp_row
from zenith.sessions import SessionRecord, Sessions, describe_device

TOTP_TICKET: Final = "totp/enrol"
MAX_NAME: Final = 60
APP: Final = "An authenticator app"
PASSKEY: Final = "A passkey"
"""What mails call them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """What an account has, for its owner."""

    counts: FactorCounts
    totp: TotpRecord | None
    passkeys: Sequence[PasskeyRecord]


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TotpEnrolment:
    """An authenticator app that is not confirmed yet; nothing of it is stored."""

    secret: str
    """Base32, to type."""
    uri: str
    qr_code: str
    """An `<svg>` element."""
    ticket: str
    """Sealed; comes back with the first code."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Added:
    """A factor was added; it is proven in this sign-in from now on."""

    recovery_codes: tuple[str, ...]
    """Shown once; empty if the account has some already."""
    session: SessionRecord | None
    cookie: str | None
    """The browser's new session cookie; None where the sign-in lives in tokens."""


class FactorEnrolment:
    """What owners do with their second factors.

    Threat: who borrows or steals a session and makes itself the owner, by adding a factor of its
    own or removing the owner's (ASVS 6.4.3, 7.5.1, 7.5.2); and sessions of a thief that survive the
    change (ASVS 7.4.3). Every change needs a factor proven at most ten minutes ago: one of the
    second factors as soon as there is any. Other sign-ins end with the first factor that is added
    and with each that is removed. And who gets around the demand of a role: proves a factor,
    removes it, and goes on with the sign-in that has proven it. Where any role demands one, that
    sign-in ends with the last factor too (ASVS 6.3.3).
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        store: FactorStore,
        passkey_store: PasskeyStore,
        sealer: Sealer,
        challenges: Challenges,
        passkeys: Passkeys | None,
        sign_in: SignIn,
        sessions: Sessions,
        notices: Notices,
        events: EventSink,
        settings: MfaSettings,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._store: Final = store
        self._passkey_store: Final = passkey_store
        self._sealer: Final = sealer
        self._challenges: Final = challenges
        self._passkeys: Final = passkeys
        self._sign_in: Final = sign_in
        self._sessions: Final = sessions
        self._notices: Final = notices
        self._events: Final = events
        self._settings: Final = settings
        self._clock: Final = clock

    async def overview(self, account_id: str) -> Factors:
        """What the account has."""
        return Factors(
            counts=await self._store.counts(account_id),
            totp=await self._store.totp_of(account_id),
            passkeys=await self._passkey_store.passkeys_of(account_id),
        )

    async def require_recent(self, principal: Principal) -> Account:
        """The account of a principal who may change its factors now.

        Raises FactorRequiredError that names what must be proven again.
        """
        account = await self._accounts.by_id(principal.subject)
        if account is None or not account.is_active or principal.session_id is None:
            raise AuthenticationError(reason="no sign-in of an active account")
        kinds = (await self._store.counts(account.id)).kinds
        # Also a recovery code, though it was the last one: what is lost must be replaceable.
        enough = SECOND_FACTORS if kinds else _first_factors(principal)
        if not HasFactor(enough, STEP_UP, self._clock).decide(principal).allowed:
            raise FactorRequiredError(kinds or enough, max_age=STEP_UP, reason="change of factors")
        return account

    async def begin_totp(self, principal: Principal) -> TotpEnrolment:
        """A fresh secret for an authenticator app."""
        account = await self.require_recent(principal)
        if await self._store.totp_of(account.id) is not None:
            raise FactorExistsError
        secret = new_secret()
        return self._shown(account, principal, secret)

    def _shown(self, account: Account, principal: Principal, secret: bytes) -> TotpEnrolment:
        uri = key_uri(secret, account=account.email, issuer=self._settings.issuer)
        challenge = self._challenges.issue(TOTP_TICKET, principal.session_id or "")
        return TotpEnrolment(
            secret=base32(secret),
            uri=uri,
            qr_code=qr_svg(uri, title="QR code for an authenticator app"),
            ticket=self._sealer.seal(challenge + secret, row=_ticket_row(principal)),
        )

    def reopen_totp(self, account: Account, principal: Principal, ticket: str) -> TotpEnrolment:
        """The same secret once more, after a wrong code. Raises EnrolmentFailedError."""
        _, secret = self._opened(principal, ticket)
        return self._shown(account, principal, secret)

    def _opened(self, principal: Principal, ticket: str) -> tuple[bytes, bytes]:
        opened = self._sealer.open(ticket, row=_ticket_row(principal))
        if opened is None:
            raise EnrolmentFailedError(reason="no enrolment ticket of this session")
        challenge, secret = opened[0][:LENGTH], opened[0][LENGTH:]
        if not self._challenges.holds(challenge, TOTP_TICKET, principal.session_id or ""):
            raise EnrolmentFailedError(reason="the enrolment took too long")
        return challenge, secret

    async def confirm_totp(
        self,
        principal: Principal,
        ticket: str,
        code: str,
        *,
        client: Client,
        presented: str | None = None,
    ) -> Added:
        """Store the app whose first code this is.

        Threat: an account locked out by an app that never learned the secret. `presented` is the
        digest of the session's cookie. Raises EnrolmentFailedError and FactorExistsError.
        """
        account = await self.require_recent(principal)
        challenge, secret = self._opened(principal, ticket)
        now = self._clock()
        step = accepted_step(secret, code, now=now, last_step=0)
        if step is None:
            raise EnrolmentFailedError(reason="wrong code")
        binding = principal.session_id or ""
        if not await self._challenges.spend(challenge, TOTP_TICKET, binding):
            raise EnrolmentFailedError(reason="the ticket was used")
        record = TotpRecord(
            account_id=account.id,
            secret=self._sealer.seal(secret, row=totp_row(account.id)),
            last_step=step,
            created_at=now,
            last_used_at=now,
        )
        first = await self._begin_first(principal, account)
        async with one_step():
            if not await self._store.add_totp(record):
                raise FactorExistsError
            codes = await self._first_codes(account)
            await self._record(EventType.FACTOR_ADDED, principal, client, "totp")
        kind = "totp"
        return await self._added(principal, account, kind, APP, client, presented, first, codes)

    async def passkey_options(self, principal: Principal) -> dict[str, Any]:
        """What `navigator.credentials.create()` takes."""
        account = await self.require_recent(principal)
        return await self._need_passkeys().registration_options(account, principal.session_id or "")

    async def add_passkey(
        self,
        principal: Principal,
        credential: str,
        *,
        name: str,
        client: Client,
        presented: str | None = None,
    ) -> Added:
        """Store the passkey that an authenticator has made; raises as `Passkeys.register`."""
        account = await self.require_recent(principal)
        label = _clean_name(name) or describe_device(client.user_agent)
        passkeys = self._need_passkeys()
        record = await passkeys.verify_new(
            account, principal.session_id or "", credential, name=label
        )
        first = await self._begin_first(principal, account)
        async with one_step():
            await passkeys.add(record)
            codes = await self._first_codes(account)
            await self._record(EventType.FACTOR_ADDED, principal, client, "passkey")
        kind = "passkey"
        return await self._added(principal, account, kind, PASSKEY, client, presented, first, codes)

    async def rename_passkey(self, principal: Principal, passkey_id: str, name: str) -> None:
        """Name a passkey. Raises NotFoundError and ValidationError."""
        label = _clean_name(name)
        if not label:
            raise ValidationError("Enter a name for the passkey")
        if not await self._passkey_store.rename_passkey(principal.subject, passkey_id, label):
            raise NotFoundError("There is no such passkey")

    async def renew_recovery_codes(
        self, principal: Principal, *, client: Client
    ) -> tuple[str, ...]:
        """Fresh codes, shown once; the old ones are void. Raises NotFoundError where the account
        has no factor that they could stand in for.
        """
        account = await self.require_recent(principal)
        if not (await self._store.counts(account.id)).kinds:
            raise NotFoundError("Add a passkey or an authenticator app first")
        codes = new_codes()
        digests = [code_digest(account.id, code) for code in codes]
        async with one_step():
            await self._store.set_recovery_codes(account.id, digests)
            await self._record(EventType.RECOVERY_CODES_ISSUED, principal, client, "renewed")
        notice = "recovery_codes_renewed"
        await self._notices.tell(account, notice, **seen(client, self._clock()))
        return codes

    async def remove_totp(self, principal: Principal, *, client: Client) -> None:
        """Remove the authenticator app. Raises NotFoundError."""
        account = await self.require_recent(principal)
        async with one_step():
            if not await self._store.remove_totp(account.id):
                raise NotFoundError("There is no authenticator app")
            await self._removed(principal, account, "totp", client)
        await self._tell("factor_removed", account, APP, client)

    async def remove_passkey(
        self, principal: Principal, passkey_id: str, *, client: Client
    ) -> None:
        """Remove a passkey. Raises NotFoundError."""
        account = await self.require_recent(principal)
        async with one_step():
            if not await self._passkey_store.remove_passkey(account.id, passkey_id):
                raise NotFoundError("There is no such passkey")
            await self._removed(principal, account, "passkey", client)
        await self._tell("factor_removed", account, PASSKEY, client)

    async def _begin_first(self, principal: Principal, account: Account) -> bool:
        """Whether the account has no second factor yet; then its other sign-ins end, which proved
        none. Before it is stored and after: no failure between leaves a thief signed in beside it.
        """
        first = not (await self._store.counts(account.id)).kinds
        if first:
            await self._sign_in.end_all(account.id, keep=principal.session_id)
        return first

    async def _first_codes(self, account: Account) -> tuple[str, ...]:
        """Recovery codes, stored in the step of the factor: nobody has the one without the others;
        none where there are some.
        """
        codes = new_codes()
        digests = [code_digest(account.id, code) for code in codes]
        issued = await self._store.set_recovery_codes(account.id, digests, only_first=True)
        return codes if issued else ()

    async def _added(
        self,
        principal: Principal,
        account: Account,
        kind: str,
        name: str,
        client: Client,
        presented: str | None,
        first: bool,
        codes: tuple[str, ...],
    ) -> Added:
        session_id = principal.session_id or ""
        if first:
            await self._sign_in.end_all(account.id, keep=session_id)
        await self._tell("factor_added", account, name, client)
        proven = await self._sessions.prove(
            session_id, account.id, {kind: self._clock()}, presented=presented
        )
        session, cookie = (None, None) if proven is None else proven
        return Added(recovery_codes=codes, session=session, cookie=cookie)

    async def _removed(
        self, principal: Principal, account: Account, kind: str, client: Client
    ) -> None:
        """What follows in the step of the removal: nobody stays who has proven what is gone."""
        await self._record(EventType.FACTOR_REMOVED, principal, client, kind)
        demanded = self._settings.required_roles
        leaves = demanded and not (await self._store.counts(account.id)).kinds
        await self._sign_in.end_all(account.id, keep=None if leaves else principal.session_id)

    async def _tell(self, notice: str, account: Account, factor: str, client: Client) -> None:
        await self._notices.tell(account, notice, factor=factor, **seen(client, self._clock()))

    async def _record(
        self, kind: EventType, principal: Principal, client: Client, reason: str
    ) -> None:
        await self._events.record(
            client.event(
                kind,
                "success",
                at=self._clock(),
                subject=principal.subject,
                session_id=principal.session_id,
                reason=reason,
                severity="WARNING" if kind is EventType.FACTOR_REMOVED else "INFO",
            )
        )

    def _need_passkeys(self) -> Passkeys:
        if self._passkeys is None:
            raise NotFoundError("Passkeys are off here", reason="mfa.passkeys is off")
        return self._passkeys


def seen(client: Client, at: float) -> dict[str, str]:
    """Where a change came from, for the mail about it."""
    return {
        "device": describe_device(client.user_agent),
        "address": client.address,
        "when": datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M UTC"),
    }


def _first_factors(principal: Principal) -> tuple[str, ...]:
    """What who has no second factor can prove again: a password, or what was used in its place."""
    later = {"password", TRUSTED_DEVICE, *SECOND_FACTORS}
    return (*(kind for kind in principal.factors if kind not in later), "password")


def _ticket_row(principal: Principal) -> str:
    return f"totp-enrolment/{principal.subject}/{principal.session_id}"


def _clean_name(name: str) -> str:
    """Threat: characters that rewrite a terminal, or that a database refuses."""
    plain = unicodedata.normalize("NFC", name.strip())
    if len(plain) > MAX_NAME or not plain.isprintable():
        raise ValidationError(f"Enter a name of at most {MAX_NAME} printable characters")
    return plain
