"""The guards, and what handlers may ask for."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from zenith.abuse import AbuseSettings, Honeypot
from zenith.abuse.bans import BanGuard, Bans, PrincipalBanGuard
from zenith.abuse.challenges import ChallengePageGuard, Challenges, ShowsChallenge
from zenith.accounts import AccountServices
from zenith.api_keys import APIKeys
from zenith.assembly.api_keys import APIKeyParts
from zenith.assembly.audit import audit_reader
from zenith.assembly.audit_log import AuditParts
from zenith.assembly.bans import owner_of_key
from zenith.assembly.limits import early_limits
from zenith.assembly.mfa import MfaParts
from zenith.assembly.oauth import authorization_prune
from zenith.assembly.parts import Parts
from zenith.assembly.roles import prune_roles
from zenith.assembly.sessions import make_watch
from zenith.audit import AuditGuard, AuditLog, AuditReader
from zenith.authentication import AuthenticationGuard
from zenith.csrf import CsrfGuard
from zenith.headers import HeadersGuard, HeadersSettings, ReportCollector
from zenith.headers.site_data import SiteData
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import EventSink
from zenith.mail import Outbox
from zenith.outbound import SharedClient
from zenith.passwords import PasswordJudge
from zenith.pipeline import Guard
from zenith.rate_limits import (
    ConcurrencyLimiter,
    PrincipalRateLimitGuard,
    Quotas,
    RateLimiter,
)
from zenith.sessions import SessionScheme, SessionSettings
from zenith.settings import Settings
from zenith.stores.foundation import Foundation, Prune
from zenith.tenants import TenantGuard
from zenith.tokens import BearerScheme, DpopVerifier, TokenManager
from zenith.transport import CorsGuard, TransportGuard

DAY: Final = 86_400.0


def offered_services(
    parts: Parts, accounts: AccountServices, keys: APIKeyParts | None
) -> dict[type, Any]:
    """What handlers may ask the exchange for."""
    offered: dict[type, Any] = {
        AccountServices: accounts,
        SessionSettings: parts.settings.sessions,
        RateLimiter: parts.limiter,
        Quotas: parts.quotas,
        ConcurrencyLimiter: parts.concurrency,
        ReportCollector: parts.reports,
        SiteData: _site_data(parts.settings),
        PasswordJudge: parts.judge,
        AuditLog: parts.audit_log,
        AuditParts: parts.audit,
        AuditReader: audit_reader(parts),
        EventSink: parts.audit_log,
        SharedClient: parts.outbound,
        DpopVerifier: parts.proofs,
        APIKeys: None if keys is None else keys.keys,
        Bans: parts.bans,
        Challenges: parts.challenges,
        Honeypot: Honeypot(parts.secrets),
        AbuseSettings: parts.settings.abuse,
        Outbox: parts.mailer if isinstance(parts.mailer, Outbox) else None,
    }
    return {kind: service for kind, service in offered.items() if service is not None}


def make_guards(
    parts: Parts, manager: TokenManager, keys: APIKeyParts | None, mfa: MfaParts | None
) -> tuple[Guard, ...]:
    """Every guard that the settings leave on."""
    settings = parts.settings
    bearer = _bearer(parts, manager)
    cookie = SessionScheme(
        parts.sessions,
        parts.subjects,
        parts.revocations,
        settings.sessions,
        watch=make_watch(parts),
    )
    key_schemes = () if keys is None else (keys.scheme,)
    guards: list[Guard] = [_foundation(parts, keys, mfa)]
    if parts.audit_log is not None:
        guards.append(AuditGuard(parts.audit_log, settings.audit))
    if settings.headers is not None:
        guards.append(_headers_guard(parts, settings.headers))
    if settings.transport is not None:
        guards.append(TransportGuard(settings.transport))
    guards += [ChallengePageGuard(), BanGuard(parts.bans)]
    guards += early_limits(settings, parts.limiter, parts.concurrency)
    if settings.cors is not None:
        guards.append(CorsGuard(settings.cors))
    guards.append(AuthenticationGuard([*key_schemes, bearer, cookie]))
    if settings.tenants is not None:
        guards.append(TenantGuard(parts.subjects, settings.tenants))
    guards.append(PrincipalBanGuard(parts.bans, owner_of=owner_of_key))
    if settings.csrf is not None:
        guards.append(CsrfGuard(parts.secrets, settings.csrf))
    if settings.rate_limits is not None:
        guards.append(PrincipalRateLimitGuard(parts.limiter, settings.rate_limits))
    return (*guards, *(() if mfa is None else mfa.guards))


def _bearer(parts: Parts, manager: TokenManager) -> BearerScheme:
    """Our own tokens and those of other issuers, whose keys are fetched as others are called."""
    for issuer in parts.issuers:
        issuer.reach_by(parts.settings.outbound)
    return BearerScheme(
        manager,
        parts.revocations,
        grants=parts.roles.compile,
        dpop=parts.proofs,
        issuers=parts.issuers,
    )


def _site_data(settings: Settings) -> SiteData | None:
    if settings.headers is None:
        return None
    return SiteData(settings.headers, https_origin=settings.is_https)


def _headers_guard(parts: Parts, settings: HeadersSettings) -> HeadersGuard:
    """The headers; pages that show a challenge let its provider in."""
    return HeadersGuard(
        settings,
        https_origin=parts.settings.is_https,
        more_sources={ShowsChallenge: parts.challenges.provider.sources},
    )


def _foundation(parts: Parts, keys: APIKeyParts | None, mfa: MfaParts | None) -> Foundation:
    """What starts first and stops last."""
    return Foundation(
        database=parts.database,
        redis=parts.redis,
        revocations=parts.revocations,
        hasher=parts.hasher,
        policy=parts.policy,
        background=(
            *(() if parts.audit is None else (parts.audit,)),
            *parts.signing.background,
            parts.encryption,
            parts.notices,
            parts.quotas,
            parts.reports,
            parts.bans,
            *parts.breaches,
            parts.outbound,
            *(() if keys is None else (keys.uses,)),
        ),
        migrate=parts.settings.migrates,
        prune=(
            *_prunes(parts),
            *(() if mfa is None else (mfa.prune,)),
            *(() if keys is None else (keys.keys.prune,)),
        ),
    )


def _prunes(parts: Parts) -> tuple[Prune, ...]:
    """What removes rows whose time is over."""

    async def prune_by_age() -> int:
        now = wall_clock()
        by_age = (parts.one_time, parts.mail_links, parts.pending_store)
        gone = sum([await each.prune(now=now) for each in by_age])
        return gone + await parts.mail_queue.prune(before=now - DAY)

    return (
        parts.sessions.prune,
        parts.refresh.prune,
        parts.revocations.prune,
        parts.attempts.prune,
        parts.quotas.prune,
        parts.reports.prune,
        parts.bans.prune,
        *(() if parts.audit is None else (parts.audit.prune,)),
        *(each.prune for each in parts.signing.background),
        *(() if parts.proofs is None else (parts.proofs.prune,)),
        prune_by_age,
        partial(prune_roles, parts),
        authorization_prune(parts),
    )
