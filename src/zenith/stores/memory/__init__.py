"""Stores in process memory: for one process, and chosen by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.stores.memory.accounts import MemoryAccountStore
    from zenith.stores.memory.api_keys import MemoryAPIKeyStore
    from zenith.stores.memory.attempts import MemoryAttemptStore
    from zenith.stores.memory.audit import MemoryAuditStore
    from zenith.stores.memory.bans import MemoryBanStore
    from zenith.stores.memory.factors import MemoryFactorStore
    from zenith.stores.memory.identities import MemoryAuthorizationStore, MemoryIdentityStore
    from zenith.stores.memory.mail_links import MemoryMailLinkStore
    from zenith.stores.memory.mail_queue import MemoryMailQueueStore
    from zenith.stores.memory.one_time import MemoryOneTimeStore
    from zenith.stores.memory.pending_sign_ins import MemoryPendingStore
    from zenith.stores.memory.policies import MemoryDecisionStore, MemoryPolicyStore
    from zenith.stores.memory.provider_sign_ins import MemoryProviderSignInStore
    from zenith.stores.memory.quotas import MemoryQuotaStore
    from zenith.stores.memory.rate_limits import MemoryRateLimitStore
    from zenith.stores.memory.refresh import MemoryRefreshStore
    from zenith.stores.memory.reports import MemoryReportStore
    from zenith.stores.memory.revocations import MemoryRevocationStore
    from zenith.stores.memory.roles import MemoryRoleStore
    from zenith.stores.memory.sessions import MemorySessionStore
    from zenith.stores.memory.slots import MemorySlotStore
    from zenith.stores.memory.subject_keys import MemorySubjectKeyStore
    from zenith.stores.memory.token_keys import MemoryKeyStore
    from zenith.stores.memory.token_proofs import MemoryProofStore

__all__ = [
    "MemoryAPIKeyStore",
    "MemoryAccountStore",
    "MemoryAttemptStore",
    "MemoryAuditStore",
    "MemoryAuthorizationStore",
    "MemoryBanStore",
    "MemoryDecisionStore",
    "MemoryFactorStore",
    "MemoryIdentityStore",
    "MemoryKeyStore",
    "MemoryMailLinkStore",
    "MemoryMailQueueStore",
    "MemoryOneTimeStore",
    "MemoryPendingStore",
    "MemoryPolicyStore",
    "MemoryProofStore",
    "MemoryProviderSignInStore",
    "MemoryQuotaStore",
    "MemoryRateLimitStore",
    "MemoryRefreshStore",
    "MemoryReportStore",
    "MemoryRevocationStore",
    "MemoryRoleStore",
    "MemorySessionStore",
    "MemorySlotStore",
    "MemorySubjectKeyStore",
]

# Applications use two of them, tests the others.
__getattr__ = loader(
    __name__,
    {
        "MemoryAPIKeyStore": "api_keys",
        "MemoryAccountStore": "accounts",
        "MemoryAttemptStore": "attempts",
        "MemoryAuditStore": "audit",
        "MemoryAuthorizationStore": "identities",
        "MemoryBanStore": "bans",
        "MemoryDecisionStore": "policies",
        "MemoryFactorStore": "factors",
        "MemoryIdentityStore": "identities",
        "MemoryKeyStore": "token_keys",
        "MemoryMailLinkStore": "mail_links",
        "MemoryMailQueueStore": "mail_queue",
        "MemoryOneTimeStore": "one_time",
        "MemoryPendingStore": "pending_sign_ins",
        "MemoryPolicyStore": "policies",
        "MemoryProofStore": "token_proofs",
        "MemoryProviderSignInStore": "provider_sign_ins",
        "MemoryQuotaStore": "quotas",
        "MemoryRateLimitStore": "rate_limits",
        "MemoryRefreshStore": "refresh",
        "MemoryReportStore": "reports",
        "MemoryRevocationStore": "revocations",
        "MemoryRoleStore": "roles",
        "MemorySessionStore": "sessions",
        "MemorySlotStore": "slots",
        "MemorySubjectKeyStore": "subject_keys",
    },
)
