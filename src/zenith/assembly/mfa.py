"""Second factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from zenith.accounts import AccountServices, FactorCheck, KnownDevices
from zenith.assembly.parts import Parts
from zenith.kernel.clock import CLOCK_MARGIN, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.kernel.sealing import Sealer
from zenith.mfa import (
    SECOND_FACTORS,
    Challenges,
    EnrolmentGuard,
    FactorAttempts,
    FactorEnrolment,
    FactorProof,
    FactorReset,
    FactorVerification,
    MfaServices,
    MfaSettings,
    Passkeys,
    PasskeySignIn,
    TrustedDevices,
)
from zenith.pipeline import Guard
from zenith.stores.sql import (
    SqlChallengeStore,
    SqlFactorStore,
    SqlPasskeyStore,
    SqlTrustedDeviceStore,
)

PURPOSE: Final = "mfa/secrets"


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaParts:
    """What sign-in, step-up and pages share."""

    settings: MfaSettings
    store: SqlFactorStore
    passkey_store: SqlPasskeyStore
    challenge_store: SqlChallengeStore
    challenges: Challenges
    sealer: Sealer
    passkeys: Passkeys | None
    trusted: TrustedDevices
    verification: FactorVerification

    @property
    def checks(self) -> dict[str, FactorCheck]:
        """For step-up."""
        return {
            kind: FactorProof(kind, store=self.store, verification=self.verification)
            for kind in SECOND_FACTORS
        }

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What holds roles to their second factor."""
        roles = self.settings.required_roles
        return (EnrolmentGuard(roles),) if roles else ()

    async def prune(self) -> int:
        """Forget what has expired, also for a clock that is behind."""
        count: int = await self.challenge_store.prune(now=wall_clock() - CLOCK_MARGIN)
        return count


def mfa_parts(parts: Parts) -> MfaParts | None:
    """The engines; None where second factors are off."""
    settings = parts.settings.mfa
    if settings is None:
        return None
    store, challenge_store = SqlFactorStore(parts.database), SqlChallengeStore(parts.database)
    passkey_store = SqlPasskeyStore(parts.database)
    challenges = Challenges(parts.secrets, challenge_store)
    sealer = Sealer(parts.secrets, purpose=PURPOSE)
    passkeys = _passkeys(parts, settings, passkey_store, challenges)
    trusted_store = SqlTrustedDeviceStore(parts.database)
    trusted = TrustedDevices(trusted_store, settings, events=parts.events)
    return MfaParts(
        settings=settings,
        store=store,
        passkey_store=passkey_store,
        challenge_store=challenge_store,
        challenges=challenges,
        sealer=sealer,
        passkeys=passkeys,
        trusted=trusted,
        verification=FactorVerification(
            store=store,
            sealer=sealer,
            passkeys=passkeys,
            trusted=trusted,
            attempts=FactorAttempts(parts.quotas, settings.attempt_limit),
            devices=KnownDevices(parts.secrets),
            events=parts.events,
        ),
    )


def _passkeys(
    parts: Parts, settings: MfaSettings, store: SqlPasskeyStore, challenges: Challenges
) -> Passkeys | None:
    if not settings.passkeys:
        return None
    try:
        return Passkeys(
            origin=parts.settings.origin,
            issuer=settings.issuer,
            store=store,
            challenges=challenges,
            events=parts.events,
        )
    except ConfigurationError:
        # The extra is missing: `mfa_report` says so.
        return None


def mfa_offered(
    parts: Parts, mfa: MfaParts | None, accounts: AccountServices
) -> Mapping[type, Any]:
    """What handlers may ask for."""
    if mfa is None:
        return {}
    enrolment = FactorEnrolment(
        accounts=parts.account_store,
        store=mfa.store,
        passkey_store=mfa.passkey_store,
        sealer=mfa.sealer,
        challenges=mfa.challenges,
        passkeys=mfa.passkeys,
        sign_in=accounts.sign_in,
        sessions=parts.sessions,
        notices=parts.notices,
        events=parts.events,
        settings=mfa.settings,
    )
    return {MfaServices: _services(parts, mfa, accounts, enrolment)}


def _services(
    parts: Parts, mfa: MfaParts, accounts: AccountServices, enrolment: FactorEnrolment
) -> MfaServices:
    return MfaServices(
        enrolment=enrolment,
        passkeys=mfa.passkeys,
        passkey_sign_in=PasskeySignIn(
            passkeys=mfa.passkeys,
            accounts=parts.account_store,
            sign_in=accounts.sign_in,
            limiter=parts.limiter,
            events=parts.events,
        ),
        trusted=mfa.trusted,
        reset=FactorReset(
            accounts=parts.account_store,
            store=mfa.store,
            sign_in=accounts.sign_in,
            notices=parts.notices,
            events=parts.events,
            roles=parts.roles,
        ),
        settings=mfa.settings,
    )


def mfa_report(mfa: MfaParts | None) -> list[str]:
    """What the operator is told."""
    if mfa is None or mfa.passkeys is not None or not mfa.settings.passkeys:
        return []
    return ["passkeys are off: pip install 'zenith-security[passkeys]'"]
