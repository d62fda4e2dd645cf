"""What several capabilities share while they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zenith.abuse import Attempts
from zenith.abuse.bans import Bans
from zenith.accounts import Account, AccountSubjects
from zenith.accounts.model import AccountModel
from zenith.assembly.audit_log import make_audit
from zenith.assembly.bans import make_bans
from zenith.assembly.breaches import make_breaches
from zenith.assembly.challenges import make_challenges, make_disposable
from zenith.assembly.encryption import OfferedEncryption
from zenith.assembly.limits import make_limiters
from zenith.assembly.mail import make_mailer, make_notices
from zenith.assembly.tokens import proof_verifier, signing_keys
from zenith.authentication import RevocationList, SubjectCache
from zenith.headers import ReportCollector
from zenith.kernel.events import EventSink, Silence
from zenith.kernel.keys import Secret
from zenith.outbound import SharedClient
from zenith.passwords import PasswordHasher, PasswordJudge, PasswordPolicy
from zenith.rate_limits import Quotas
from zenith.rbac import LiveRoles
from zenith.sessions import Sessions
from zenith.settings import Settings
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAttemptStore,
    SqlMailLinkStore,
    SqlMailQueueStore,
    SqlOneTimeStore,
    SqlPendingStore,
    SqlQuotaStore,
    SqlRefreshStore,
    SqlReportStore,
    SqlRoleStore,
    SqlSessionStore,
)
from zenith.tokens import ForeignIssuer, RefreshTokens


class Parts:
    """Engines and stores that more than one flow, scheme or guard needs."""

    def __init__(
        self,
        settings: Settings,
        secrets: tuple[Secret, ...],
        database: Database,
        redis: Any,
        revocations: RevocationList,
        user_model: type[Account] = Account,
        issuers: Sequence[ForeignIssuer] = (),
    ) -> None:
        self.settings = settings
        self.secrets = secrets
        self.database = database
        self.redis = redis
        self.revocations = revocations
        self.issuers = issuers
        self.role_store = SqlRoleStore(database)
        self.roles = LiveRoles(settings.rbac, self.role_store)
        revocations.follow(self.roles)
        self._add_accounts(user_model)
        self.encryption = OfferedEncryption(settings, database, self.events)
        self.reports = ReportCollector(
            SqlReportStore(database), settings.headers, events=self.events
        )
        self._add_passwords()
        self._add_credentials()

    def _add_accounts(self, user_model: type[Account]) -> None:
        settings, database = self.settings, self.database
        self.account_model = AccountModel(user_model)
        self.account_store = SqlAccountStore(database, self.account_model)
        self.stored_subjects = AccountSubjects(
            self.account_store, self.roles.compile, assigned=self.role_store
        )
        self.subjects = SubjectCache(self.stored_subjects, self.revocations)
        self.audit = make_audit(settings, self.secrets, database)
        self.audit_log = None if self.audit is None else self.audit.log
        self.events: EventSink = self.audit_log or Silence()
        self.outbound = SharedClient(settings.outbound, self.events)
        self.mailer = make_mailer(settings)
        self.mail_queue = SqlMailQueueStore(database)
        self.notices = make_notices(
            settings, self.mailer, self.events, self.mail_queue, self.secrets
        )
        self.mail_links = SqlMailLinkStore(database)

    def _add_passwords(self) -> None:
        settings = self.settings
        self.hasher = PasswordHasher(settings.passwords)
        self.policy = PasswordPolicy.from_settings(settings.passwords)
        self.breaches = make_breaches(settings)
        self.judge = PasswordJudge(self.policy, self.hasher.pool, *self.breaches)
        self.limiter, self.concurrency = make_limiters(
            settings, self.secrets, self.redis, self.events
        )
        self.quotas = Quotas(SqlQuotaStore(self.database))
        self.bans: Bans = make_bans(settings, self.database, self.events)
        attempts = SqlAttemptStore(self.database)
        self.attempts = Attempts(attempts, self.secrets, settings.abuse)
        self.disposable = make_disposable(settings)
        self.challenges = make_challenges(settings, attempts, self.secrets, self.events)

    def _add_credentials(self) -> None:
        settings, secrets, database = self.settings, self.secrets, self.database
        self.one_time = SqlOneTimeStore(database)
        self.signing = signing_keys(settings, secrets, database, self.events)
        self.proofs = proof_verifier(settings, secrets, database, self.redis)
        self.pending_store = SqlPendingStore(database)
        self.refresh = RefreshTokens(SqlRefreshStore(database), secrets, settings=settings.tokens)
        self.sessions = Sessions(
            SqlSessionStore(database),
            self.revocations,
            settings.sessions,
            access_lifetime=self.token_memory,
            refresh_lifetime=settings.tokens.refresh_lifetime,
            events=self.events,
        )

    @property
    def token_memory(self) -> float:
        """Seconds for which the end of a session must be remembered."""
        return self.settings.tokens.access_lifetime + self.settings.tokens.leeway
