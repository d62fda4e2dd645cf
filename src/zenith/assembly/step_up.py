"""Step-up: the factors that can be proven again."""

from __future__ import annotations

from zenith.accounts import AttemptLimits, FactorCheck, PasswordCheck, StepUp, TokenGrants
from zenith.accounts.sign_in import PASSWORD_FACTOR
from zenith.assembly.mfa import MfaParts
from zenith.assembly.oauth import identity_checks
from zenith.assembly.parts import Parts


def make_step_up(
    parts: Parts, grants: TokenGrants, limits: AttemptLimits, mfa: MfaParts | None
) -> StepUp:
    """Password, and whatever else the application has."""
    checks: dict[str, FactorCheck] = {PASSWORD_FACTOR: PasswordCheck(parts.hasher)}
    checks.update(identity_checks(parts))
    checks.update({} if mfa is None else mfa.checks)
    return StepUp(
        checks,
        accounts=parts.account_store,
        sessions=parts.sessions,
        grants=grants,
        limits=limits,
        events=parts.events,
    )
