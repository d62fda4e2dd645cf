"""The flows of accounts."""

from __future__ import annotations

from zenith.accounts import (
    AccountServices,
    Administration,
    AttemptLimits,
    KnownDevices,
    PasswordChange,
    PendingSignIns,
    RecentAccounts,
    Registration,
    SignIn,
    TokenGrants,
)
from zenith.assembly.attempts import attempt_limits
from zenith.assembly.parts import Parts
from zenith.assembly.step_up import make_step_up
from zenith.tokens import TokenManager


def account_services(parts: Parts, manager: TokenManager) -> AccountServices:
    """The flows of accounts."""
    settings, store, events = parts.settings, parts.account_store, parts.events
    devices = KnownDevices(parts.secrets)
    limits = attempt_limits(parts, devices)
    grants = TokenGrants(
        manager=manager,
        refresh=parts.refresh,
        sessions=parts.sessions,
        subjects=parts.subjects,
        events=events,
        access_lifetime=settings.tokens.access_lifetime,
    )
    sign_in = SignIn(
        accounts=store,
        hasher=parts.hasher,
        limits=limits,
        sessions=parts.sessions,
        grants=grants,
        events=events,
        pending=PendingSignIns(parts.pending_store),
    )
    return AccountServices(
        store=store,
        recent=RecentAccounts(store, parts.revocations),
        registration=_registration(parts, limits),
        sign_in=sign_in,
        grants=grants,
        step_up=make_step_up(parts, grants, limits),
        password_change=PasswordChange(
            accounts=store,
            hasher=parts.hasher,
            policy=parts.policy,
            limits=limits,
            sign_in=sign_in,
            events=events,
        ),
        administration=_administration(parts, sign_in, limits),
        sessions=parts.sessions,
        devices=devices,
        settings=settings.accounts,
    )


def _registration(parts: Parts, limits: AttemptLimits) -> Registration:
    """How accounts come to be."""
    return Registration(
        accounts=parts.account_store,
        secrets=parts.one_time,
        hasher=parts.hasher,
        policy=parts.policy,
        limits=limits,
        events=parts.events,
        settings=parts.settings.accounts,
        administrator_role=parts.settings.rbac.administrator,
    )


def _administration(parts: Parts, sign_in: SignIn, limits: AttemptLimits) -> Administration:
    """What administrators do with accounts."""
    return Administration(
        accounts=parts.account_store,
        sign_in=sign_in,
        limits=limits,
        events=parts.events,
        roles=parts.roles,
        administrator_role=parts.settings.rbac.administrator,
    )
