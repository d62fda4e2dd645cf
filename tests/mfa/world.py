"""Second factors over stores in memory, with a clock that stands still."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.accounts.application import ALICE, EMAIL, KEY, ORIGIN, PASSWORD
from tests.accounts.fakes import World, principal
from tests.mfa.people import secret_of
from zenith.kernel.keys import Secret
from zenith.kernel.sealing import Sealer
from zenith.mfa import (
    Challenges,
    FactorAttempts,
    FactorEnrolment,
    FactorReset,
    FactorVerification,
    MfaSettings,
    Passkeys,
    PasskeySignIn,
    TrustedDevices,
)
from zenith.mfa.totp import code_at, step_at
from zenith.rate_limits import Quotas, RateLimiter
from zenith.stores.memory import MemoryFactorStore, MemoryQuotaStore, MemoryRateLimitStore

FORMER = Secret("former-" + "uQ8ZtB2xLc7RmJ0wPf5Y" * 2)


class FactorWorld:
    """One process and its one account."""

    def __init__(self, other=None, *, keys=(KEY,), **settings):
        self.base = other.base if other else World()
        self.time, self.events = self.base.time, self.base.events
        self.store = other.store if other else MemoryFactorStore()
        self.settings = MfaSettings(**settings)
        self.sealer = Sealer(keys, purpose="mfa/secrets")
        self.challenges = Challenges(keys, self.store, clock=self.time)
        shared = {"events": self.events, "clock": self.time}
        self.passkeys = None
        if self.settings.passkeys:
            held = {"store": self.store, "challenges": self.challenges}
            self.passkeys = Passkeys(origin=ORIGIN, issuer="Test", **held, **shared)
        self.trusted = TrustedDevices(self.store, self.settings, **shared)
        self.limiter = RateLimiter(MemoryRateLimitStore(clock=self.time))
        self.counts = other.counts if other else MemoryQuotaStore()
        quotas = Quotas(self.counts, clock=self.time)
        self.verification = FactorVerification(
            store=self.store,
            sealer=self.sealer,
            passkeys=self.passkeys,
            trusted=self.trusted,
            attempts=FactorAttempts(quotas, self.settings.attempt_limit),
            devices=self.base.devices,
            **shared,
        )
        self.accounts = self.base.accounts
        self.entrance = World(self.base, second_factors=self.verification)
        self.sign_in = self.entrance.sign_in
        people = {"accounts": self.accounts, "sign_in": self.sign_in}
        self.enrolment = FactorEnrolment(
            store=self.store,
            passkey_store=self.store,
            sealer=self.sealer,
            challenges=self.challenges,
            passkeys=self.passkeys,
            sessions=self.base.sessions,
            notices=self.base.notices,
            settings=self.settings,
            **people,
            **shared,
        )
        self.passkey_sign_in = PasskeySignIn(
            passkeys=self.passkeys, limiter=self.limiter, **people, **shared
        )
        self.reset = FactorReset(
            store=self.store,
            notices=self.base.notices,
            roles=self.base.roles,
            **people,
            **shared,
        )

    async def join(self):
        """Register the account; its owner in a fresh session."""
        await self.base.registration.register(EMAIL, PASSWORD, client=ALICE)
        self.account = await self.accounts.by_email(EMAIL)
        self.events.recorded.clear()
        return await self.owner()

    async def owner(self):
        """As signed in with the password just now."""
        entered = await World(self.base).sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)
        session = entered.session
        person = principal(self.account.id, session_id=session.id, roles=())
        return replace(person, factors=session.factors)

    def code(self, secret, *, steps=0):
        return code_at(secret_of(secret), step_at(self.time()) + steps)

    async def add_totp(self, owner):
        """Its secret, and the owner who has proven it."""
        begun = await self.enrolment.begin_totp(owner)
        await self.enrolment.confirm_totp(
            owner, begun.ticket, self.code(begun.secret), client=ALICE
        )
        return begun.secret, self.proven(owner, "totp")

    async def add_passkey(self, owner, device, name="Key"):
        """The owner, who has proven it."""
        options = await self.enrolment.passkey_options(owner)
        made = json.dumps(device.create(options))
        await self.enrolment.add_passkey(owner, made, name=name, client=ALICE)
        return self.proven(owner, "passkey")

    def proven(self, owner, kind):
        return replace(owner, factors={**owner.factors, kind: self.time()})
