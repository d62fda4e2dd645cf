"""What routes may ask of a caller about keys."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar, Final

from zenith.api_keys.scopes import MANAGE_OWN
from zenith.authorization import ALLOW, STEP_UP, Access, Decision
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass

ASKED: Final = ("password", "passkey")
"""What a person is asked for whose last proof is too old; any other proof will do as well."""
CLOCK_SKEW: Final = 60.0


@dataclass(frozen=True, slots=True)
class CalledByKey:
    """Callers that proved an API key."""

    keys: ClassVar[str] = "only"
    """As the description of the API asks."""

    def decide(self, principal: Principal) -> Decision:
        """Allow API keys."""
        if principal.kind == "api_key":
            return ALLOW
        detail = "API key required"
        return Decision(allowed=False, detail=detail, reason=f"{principal.kind} without a key")

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return "API key"


@dataclass(frozen=True, slots=True)
class MayManageKeys:
    """People, and credentials that were given the scope to manage keys."""

    everywhere: ClassVar[bool] = True
    """Keys are the account's, not a tenant's: people act outside of tenants here."""
    within: float | None = None
    """Seconds that a person's last proof of any factor may be old; None: as old as the session.
    A key is a credential that outlives the session, so an open session is not enough to make one
    (ASVS 7.5.3)."""
    clock: Clock = field(default=wall_clock, repr=False, compare=False)

    def decide(self, principal: Principal) -> Decision:
        """Allow whole people; of narrowed credentials, and of keys, those with the scope."""
        if not principal.is_authenticated:
            return Decision(allowed=False, detail="Authentication required", reason="anonymous")
        if principal.scopes is None and principal.kind == "user":
            return self._judge_proof(principal)
        if principal.has_scope(MANAGE_OWN):
            return ALLOW
        return Decision(
            allowed=False,
            detail=f"Insufficient scope: {MANAGE_OWN} required",
            reason=f"{principal.kind} {principal.subject} lacks {MANAGE_OWN}",
        )

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return "may manage API keys" if self.within is None else "may make API keys"

    def _judge_proof(self, principal: Principal) -> Decision:
        if self.within is None:
            return ALLOW
        now = self.clock()
        if any(-CLOCK_SKEW <= now - at <= self.within for at in principal.factors.values()):
            return ALLOW
        return Decision(
            allowed=False,
            reason=f"user {principal.subject}: no recent factor",
            factors=ASKED,
            max_age=self.within,
        )


called_by_key: Final = Access(CalledByKey())
may_manage_keys: Final = Access(MayManageKeys())
may_make_keys: Final = Access(MayManageKeys(within=STEP_UP))
