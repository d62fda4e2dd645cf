"""The flows of accounts over stores in memory, with a clock that stands still."""

from __future__ import annotations

from tests.accounts.application import KEY
from zenith.abuse import AbuseSettings, Attempts
from zenith.accounts import (
    AccountSettings,
    AccountSubjects,
    Administration,
    AttemptLimits,
    KnownDevices,
    PasswordChange,
    PendingSignIns,
    RecentAccounts,
    Registration,
    RoleAssignments,
    RoleDefinitions,
    SignIn,
    Standing,
    TokenGrants,
)
from zenith.accounts.evenness import EvenTime
from zenith.accounts.notices import LostMails, Notices
from zenith.accounts.wording import WORDINGS
from zenith.authentication import RevocationList, SubjectCache
from zenith.kernel.principal import Principal
from zenith.mail import Letters, MailDelivery, MailQueue, Outbox
from zenith.passwords import PasswordHasher, PasswordJudge, PasswordPolicy, PasswordSettings
from zenith.rate_limits import RateLimiter
from zenith.rbac import LiveRoles, RbacSettings, RoleSet
from zenith.sessions import Sessions
from zenith.stores.memory import (
    MemoryAccountStore,
    MemoryAttemptStore,
    MemoryMailQueueStore,
    MemoryOneTimeStore,
    MemoryPendingStore,
    MemoryRateLimitStore,
    MemoryRefreshStore,
    MemoryRevocationStore,
    MemoryRoleStore,
    MemorySessionStore,
)
from zenith.tokens import BearerScheme, RefreshTokens, TokenManager


class Time:
    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


class Events:
    """Keeps what happened."""

    def __init__(self):
        self.recorded = []
        self.noted = []

    async def record(self, event):
        self.recorded.append(event)

    def note(self, event):
        self.noted.append(event)

    @property
    def types(self):
        return [event.type for event in self.recorded]


class World:
    """One process; hand over another's to share its stores."""

    def __init__(self, other=None, *, settings=None, roles=None, second_factors=None, abuse=None):
        self.time = other.time if other else Time()
        self.steady = other.steady if other else Time()
        self.settings = settings or AccountSettings()
        self.accounts = other.accounts if other else MemoryAccountStore()
        self.role_store = other.role_store if other else MemoryRoleStore(self.accounts)
        self.session_store = other.session_store if other else MemorySessionStore()
        self.refresh_store = other.refresh_store if other else MemoryRefreshStore()
        self.revocation_store = other.revocation_store if other else MemoryRevocationStore()
        self.one_time = MemoryOneTimeStore()
        self.pending_store = other.pending_store if other else MemoryPendingStore()
        self.events = Events()
        self.hasher = PasswordHasher(PasswordSettings(profile="testing", workers=1))
        self.policy = PasswordPolicy.nist()
        self.judge = PasswordJudge(self.policy, self.hasher.pool)
        self.devices = KnownDevices([KEY], clock=self.time)
        self.attempt_store = other.attempt_store if other else MemoryAttemptStore()
        self.told = []
        self.revocations = RevocationList(
            self.revocation_store, clock=self.time, steady=self.steady
        )
        self.roles = roles or LiveRoles(RbacSettings(), self.role_store)
        if isinstance(self.roles, LiveRoles):
            self.revocations.follow(self.roles)
        self.limits = AttemptLimits(
            RateLimiter(MemoryRateLimitStore(clock=self.steady)),
            self.devices,
            self.settings,
            attempts=Attempts(self.attempt_store, [KEY], abuse or AbuseSettings(), clock=self.time),
            events=self.events,
            on_lock=self.told.append,
            clock=self.time,
        )
        self.sessions = Sessions(self.session_store, self.revocations, clock=self.time)
        subjects = AccountSubjects(
            self.accounts, self.roles.compile, assigned=self.role_store, clock=self.time
        )
        self.subjects = SubjectCache(subjects, self.revocations, steady=self.steady)
        self.recent = RecentAccounts(self.accounts, self.revocations, steady=self.steady)
        self.manager = TokenManager(KEY, revocations=self.revocations, clock=self.time)
        self.bearer = BearerScheme(self.manager, self.revocations, grants=self.roles.compile)
        self.outbox = Outbox(clock=self.time)
        letters = Letters(WORDINGS, application="Test", origin="https://app.example.org")
        lost = LostMails(self.events, self.time)
        self.mails = MemoryMailQueueStore()
        queue = MailQueue(self.mails, [KEY], give_up=lost, clock=self.time)
        delivery = MailDelivery(queue, self.outbox, letters, give_up=lost, clock=self.time)
        self.notices = Notices(letters, queue, delivery)
        self.grants = TokenGrants(
            manager=self.manager,
            refresh=RefreshTokens(self.refresh_store, KEY, clock=self.time),
            sessions=self.sessions,
            subjects=self.subjects,
            events=self.events,
            access_lifetime=900,
            accounts=self.accounts,
            notices=self.notices,
            clock=self.time,
        )
        self.sign_in = SignIn(
            accounts=self.accounts,
            hasher=self.hasher,
            limits=self.limits,
            sessions=self.sessions,
            grants=self.grants,
            events=self.events,
            pending=PendingSignIns(self.pending_store, clock=self.time),
            second_factors=second_factors,
            clock=self.time,
        )
        self.standing = Standing(self.accounts, self.role_store)
        if isinstance(self.roles, LiveRoles):
            self.definitions = RoleDefinitions(
                live=self.roles,
                store=self.role_store,
                standing=self.standing,
                revocations=self.revocations,
                sessions=self.sessions,
                events=self.events,
                clock=self.time,
            )
            self.assignments = RoleAssignments(
                live=self.roles,
                store=self.role_store,
                accounts=self.accounts,
                standing=self.standing,
                sessions=self.sessions,
                events=self.events,
                clock=self.time,
            )
        self.registration = self.make_registration()
        self.password_change = PasswordChange(
            accounts=self.accounts,
            hasher=self.hasher,
            judge=self.judge,
            limits=self.limits,
            sign_in=self.sign_in,
            events=self.events,
            notices=self.notices,
            clock=self.time,
        )
        self.administration = Administration(
            accounts=self.accounts,
            sign_in=self.sign_in,
            limits=self.limits,
            events=self.events,
            roles=self.roles,
            standing=self.standing,
            administrator_role="super_admin",
            notices=self.notices,
            clock=self.time,
        )

    def make_registration(self):
        return Registration(
            accounts=self.accounts,
            secrets=self.one_time,
            hasher=self.hasher,
            judge=self.judge,
            limits=self.limits,
            events=self.events,
            settings=self.settings,
            administrator_role="super_admin",
            clock=self.time,
            even_time=EvenTime(
                self.settings.register_seconds, steady=self.steady, sleep=self.steady.sleep
            ),
        )

    def pass_time(self, seconds):
        self.time.now += seconds
        self.steady.now += seconds

    async def holds(self, access_token):
        """Whether an access token is accepted."""
        from tests.pipeline.asgi import make_exchange
        from zenith.kernel.errors import AuthenticationError

        exchange = make_exchange(headers=[("authorization", f"Bearer {access_token}")])
        try:
            return await self.bearer.authenticate(exchange) is not None
        except AuthenticationError:
            return False


def principal(account_id, *, session_id=None, roles=("super_admin",)):
    held, permissions = RoleSet().compile(roles)
    return Principal(subject=account_id, session_id=session_id, roles=held, permissions=permissions)
