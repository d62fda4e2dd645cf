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
from zenith.accounts.mail_flows import EmailVerification
from zenith.accounts.profiles import Profiles
from zenith.assembly.attempts import attempt_limits
from zenith.assembly.mail_flows import (
    make_deletion,
    make_export,
    make_links,
    make_mail_flows,
    make_verification,
    refusal_time,
)
from zenith.assembly.mfa import MfaParts
from zenith.assembly.parts import Parts
from zenith.assembly.roles import make_assignments, make_definitions, make_standing
from zenith.assembly.sessions import make_places, make_watch
from zenith.assembly.step_up import make_step_up
from zenith.tokens import TokenManager


def account_services(parts: Parts, manager: TokenManager, mfa: MfaParts | None) -> AccountServices:
    """The flows of accounts."""
    settings, store = parts.settings, parts.account_store
    devices = KnownDevices(parts.secrets)
    limits = attempt_limits(parts, devices)
    grants = _grants(parts, manager)
    links = make_links(parts)
    verification = make_verification(parts, links)
    sign_in = _sign_in(parts, limits, grants, verification, mfa)
    recent = RecentAccounts(store, parts.revocations)
    return AccountServices(
        store=store,
        recent=recent,
        registration=_registration(parts, limits, verification),
        sign_in=sign_in,
        grants=grants,
        step_up=make_step_up(parts, grants, limits, mfa),
        password_change=_password_change(parts, limits, sign_in),
        administration=_administration(parts, sign_in, limits),
        roles=make_definitions(parts),
        assignments=make_assignments(parts),
        mail=make_mail_flows(parts, links, verification, sign_in, limits, recent),
        deletion=make_deletion(parts, sign_in, limits),
        export=make_export(parts),
        profiles=Profiles(store, recent),
        notices=parts.notices,
        sessions=parts.sessions,
        places=make_places(settings.sessions),
        devices=devices,
        settings=settings.accounts,
    )


def _grants(parts: Parts, manager: TokenManager) -> TokenGrants:
    """What sign-ins of programs are given."""
    return TokenGrants(
        manager=manager,
        refresh=parts.refresh,
        sessions=parts.sessions,
        subjects=parts.stored_subjects,
        events=parts.events,
        access_lifetime=parts.settings.tokens.access_lifetime,
        watch=make_watch(parts),
        accounts=parts.account_store,
        notices=parts.notices,
    )


def _sign_in(
    parts: Parts,
    limits: AttemptLimits,
    grants: TokenGrants,
    verification: EmailVerification | None,
    mfa: MfaParts | None,
) -> SignIn:
    """How people and programs come in."""
    return SignIn(
        accounts=parts.account_store,
        hasher=parts.hasher,
        limits=limits,
        sessions=parts.sessions,
        grants=grants,
        events=parts.events,
        pending=PendingSignIns(parts.pending_store),
        confirmation=verification,
        even_time=refusal_time(parts, verification),
        second_factors=None if mfa is None else mfa.verification,
    )


def _password_change(parts: Parts, limits: AttemptLimits, sign_in: SignIn) -> PasswordChange:
    """How a password is replaced by its owner."""
    return PasswordChange(
        accounts=parts.account_store,
        hasher=parts.hasher,
        judge=parts.judge,
        limits=limits,
        sign_in=sign_in,
        events=parts.events,
        notices=parts.notices,
    )


def _registration(
    parts: Parts, limits: AttemptLimits, verification: EmailVerification | None
) -> Registration:
    """How accounts come to be."""
    return Registration(
        accounts=parts.account_store,
        secrets=parts.one_time,
        hasher=parts.hasher,
        judge=parts.judge,
        limits=limits,
        events=parts.events,
        settings=parts.settings.accounts,
        administrator_role=parts.settings.rbac.administrator,
        verification=verification,
        disposable=parts.disposable,
    )


def _administration(parts: Parts, sign_in: SignIn, limits: AttemptLimits) -> Administration:
    """What administrators do with accounts."""
    return Administration(
        accounts=parts.account_store,
        sign_in=sign_in,
        limits=limits,
        events=parts.events,
        roles=parts.roles,
        standing=make_standing(parts),
        administrator_role=parts.settings.rbac.administrator,
        notices=parts.notices,
    )
