"""What must survive: SQLite for one machine, PostgreSQL for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.stores.sql.accounts import SqlAccountStore
from zenith.stores.sql.api_keys import SqlAPIKeyStore
from zenith.stores.sql.attempts import SqlAttemptStore
from zenith.stores.sql.audit import SqlAuditStore
from zenith.stores.sql.audit_seals import SqlSealStore
from zenith.stores.sql.authorizations import SqlAuthorizationStore
from zenith.stores.sql.bans import SqlBanStore
from zenith.stores.sql.clock_watch import ClockWatch
from zenith.stores.sql.database import Database
from zenith.stores.sql.factors import SqlFactorStore
from zenith.stores.sql.identities import SqlIdentityStore
from zenith.stores.sql.mail_links import SqlMailLinkStore
from zenith.stores.sql.mail_queue import SqlMailQueueStore
from zenith.stores.sql.one_time import SqlOneTimeStore
from zenith.stores.sql.passkeys import SqlPasskeyStore
from zenith.stores.sql.pending_sign_ins import SqlPendingStore
from zenith.stores.sql.provider_sign_ins import SqlProviderSignInStore
from zenith.stores.sql.quotas import SqlQuotaStore
from zenith.stores.sql.refresh import SqlRefreshStore
from zenith.stores.sql.reports import SqlReportStore
from zenith.stores.sql.revision import current, is_current, upgrade
from zenith.stores.sql.revocations import SqlRevocationStore
from zenith.stores.sql.roles import SqlRoleStore
from zenith.stores.sql.sessions import SqlSessionStore
from zenith.stores.sql.subject_keys import SqlSubjectKeyStore
from zenith.stores.sql.token_keys import SqlKeyStore
from zenith.stores.sql.token_proofs import SqlProofStore
from zenith.stores.sql.trusted_devices import SqlChallengeStore, SqlTrustedDeviceStore

if TYPE_CHECKING:
    from zenith.stores.sql.model_database import ModelDatabase
    from zenith.stores.sql.policies import SqlDecisionStore, SqlPolicyStore

__all__ = [
    "ClockWatch",
    "Database",
    "ModelDatabase",
    "SqlAPIKeyStore",
    "SqlAccountStore",
    "SqlAttemptStore",
    "SqlAuditStore",
    "SqlAuthorizationStore",
    "SqlBanStore",
    "SqlChallengeStore",
    "SqlDecisionStore",
    "SqlFactorStore",
    "SqlIdentityStore",
    "SqlKeyStore",
    "SqlMailLinkStore",
    "SqlMailQueueStore",
    "SqlOneTimeStore",
    "SqlPasskeyStore",
    "SqlPendingStore",
    "SqlPolicyStore",
    "SqlProofStore",
    "SqlProviderSignInStore",
    "SqlQuotaStore",
    "SqlRefreshStore",
    "SqlReportStore",
    "SqlRevocationStore",
    "SqlRoleStore",
    "SqlSealStore",
    "SqlSessionStore",
    "SqlSubjectKeyStore",
    "SqlTrustedDeviceStore",
    "current",
    "is_current",
    "upgrade",
]

# Models are the ORM's, which is as large as the rest of SQLAlchemy; policies bring their compiler.
# Both are for who has some.
__getattr__ = loader(
    __name__,
    {
        "ModelDatabase": "model_database",
        "SqlDecisionStore": "policies",
        "SqlPolicyStore": "policies",
    },
)
