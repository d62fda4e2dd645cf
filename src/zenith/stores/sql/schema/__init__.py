"""The tables."""

from __future__ import annotations

from zenith.stores.sql.schema.accounts import account_roles, accounts, one_time
from zenith.stores.sql.schema.api_keys import api_keys
from zenith.stores.sql.schema.attempts import attempts
from zenith.stores.sql.schema.audit import audit_events, audit_seals
from zenith.stores.sql.schema.bans import bans
from zenith.stores.sql.schema.factors import (
    passkeys,
    pending_sign_ins,
    recovery_codes,
    spent_challenges,
    totp,
    trusted_devices,
)
from zenith.stores.sql.schema.identities import (
    identities,
    pending_authorizations,
    provider_sign_ins,
)
from zenith.stores.sql.schema.mail_links import mail_links
from zenith.stores.sql.schema.mail_queue import mail_queue
from zenith.stores.sql.schema.metadata import metadata
from zenith.stores.sql.schema.policies import (
    policy_activations,
    policy_decisions,
    policy_versions,
)
from zenith.stores.sql.schema.quotas import quotas
from zenith.stores.sql.schema.reports import reports
from zenith.stores.sql.schema.roles import role_assignments, role_versions, roles
from zenith.stores.sql.schema.sessions import refresh_families, revocations, sessions
from zenith.stores.sql.schema.subject_keys import subject_keys
from zenith.stores.sql.schema.token_keys import token_keys, token_proofs

__all__ = [
    "account_roles",
    "accounts",
    "api_keys",
    "attempts",
    "audit_events",
    "audit_seals",
    "bans",
    "identities",
    "mail_links",
    "mail_queue",
    "metadata",
    "one_time",
    "passkeys",
    "pending_authorizations",
    "pending_sign_ins",
    "policy_activations",
    "policy_decisions",
    "policy_versions",
    "provider_sign_ins",
    "quotas",
    "recovery_codes",
    "refresh_families",
    "reports",
    "revocations",
    "role_assignments",
    "role_versions",
    "roles",
    "sessions",
    "spent_challenges",
    "subject_keys",
    "token_keys",
    "token_proofs",
    "totp",
    "trusted_devices",
]
