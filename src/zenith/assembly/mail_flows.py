"""What happens by mail, and to one's own account."""

from __future__ import annotations

from zenith.accounts import AttemptLimits, RecentAccounts, SignIn
from zenith.accounts.evenness import EvenTime
from zenith.accounts.mail_flows import (
    EmailChanges,
    EmailVerification,
    FlowParts,
    MailFlows,
    MailLinks,
    PasswordReset,
)
from zenith.accounts.own_account import Deletion, Export
from zenith.accounts.password_proof import PasswordProof
from zenith.assembly.cleanup import (
    export_sections,
    first_cleanups,
    key_cleanups,
    takeover_cleanups,
)
from zenith.assembly.encryption import erase_with_account
from zenith.assembly.parts import Parts
from zenith.kernel.errors import ConfigurationError


def make_links(parts: Parts) -> MailLinks:
    """What issues and mails links."""
    return MailLinks(
        parts.mail_links,
        parts.notices,
        parts.limiter,
        settings=parts.settings.accounts,
        origin=parts.settings.origin,
    )


def make_verification(parts: Parts, links: MailLinks) -> EmailVerification | None:
    """Who confirms addresses; None where mail goes nowhere."""
    wanted = parts.settings.accounts.require_verified_email
    if not parts.notices.are_sent:
        if wanted:
            raise ConfigurationError(
                "accounts.require_verified_email is set, and no mail could verify one",
                fix="set ZENITH_MAIL__HOST, or leave it out",
            )
        return None
    usual = parts.settings.is_production
    return EmailVerification(
        accounts=parts.account_store,
        store=parts.mail_links,
        links=links,
        events=parts.events,
        even_time=_even_time(parts),
        required=usual if wanted is None else wanted,
    )


def refusal_time(parts: Parts, verification: EmailVerification | None) -> EvenTime | None:
    """How refused sign-ins are stretched, where some of them mail a link."""
    return _even_time(parts) if verification is not None and verification.required else None


def make_mail_flows(
    parts: Parts,
    links: MailLinks,
    verification: EmailVerification | None,
    sign_in: SignIn,
    limits: AttemptLimits,
    recent: RecentAccounts,
) -> MailFlows | None:
    """The flows by mail; None where mail goes nowhere."""
    if verification is None:
        return None
    shared = FlowParts(
        accounts=parts.account_store,
        store=parts.mail_links,
        links=links,
        sign_in=sign_in,
        notices=parts.notices,
        events=parts.events,
        even_time=_even_time(parts),
    )
    return MailFlows(
        verification=verification,
        password_reset=PasswordReset(
            shared,
            hasher=parts.hasher,
            judge=parts.judge,
            limits=limits,
            cleanups=key_cleanups(parts),
            first_cleanups=first_cleanups(parts),
        ),
        email_changes=EmailChanges(
            shared,
            recent=recent,
            proof=_proof(parts, limits),
            administrator_role=parts.settings.rbac.administrator,
            cleanups=takeover_cleanups(parts),
            disposable=parts.disposable,
        ),
    )


def make_deletion(parts: Parts, sign_in: SignIn, limits: AttemptLimits) -> Deletion:
    """The end of accounts by their owners."""
    return Deletion(
        accounts=parts.account_store,
        proof=_proof(parts, limits),
        sign_in=sign_in,
        notices=parts.notices,
        events=parts.events,
        administrator_role=parts.settings.rbac.administrator,
        cleanups=key_cleanups(parts),
        erase=erase_with_account(parts.settings, parts.database, parts.events),
    )


def make_export(parts: Parts) -> Export:
    """Copies for owners."""
    return Export(
        sessions=parts.sessions,
        audit=None if parts.audit is None else parts.audit.store,
        events=parts.events,
        model=parts.account_model,
        sections=export_sections(parts),
    )


def _proof(parts: Parts, limits: AttemptLimits) -> PasswordProof:
    return PasswordProof(accounts=parts.account_store, hasher=parts.hasher, limits=limits)


def _even_time(parts: Parts) -> EvenTime:
    return EvenTime(parts.settings.accounts.register_seconds)
