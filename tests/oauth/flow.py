"""The code flow over stores in memory, a clock that stands still, and a provider that obeys."""

from __future__ import annotations

from tests.accounts.fakes import World
from tests.oauth.fake import CLIENT, ISSUER, SECRET, FakeProvider
from zenith.kernel.keys import Secret, new_token
from zenith.oauth import (
    AuthorizationAnswer,
    CodeFlow,
    Directory,
    HandOver,
    Identities,
    OpenIDConnect,
    Wish,
)
from zenith.oauth.http_client import ProviderHttp
from zenith.stores.memory import MemoryAuthorizationStore, MemoryIdentityStore

BACK = "https://app.example.org/auth/oidc/callback"
OIDC = OpenIDConnect(issuer=ISSUER, client_id=CLIENT, client_secret=Secret(SECRET)).provider()


class Letters:
    """Keeps the notices."""

    def __init__(self):
        self.told = []

    async def tell(self, account, notice, **facts):
        self.told.append((account.id, notice, facts))


class Journey:
    """One browser at one application."""

    def __init__(self, world=None, *, sign_up=True, timeout=5.0):
        self.world = world or World()
        self.time = self.world.time
        self.provider = FakeProvider(self.time)
        self.http = ProviderHttp(timeout=timeout, transport=self.provider)
        self.directory = Directory(self.http, steady=self.world.steady)
        self.pending = MemoryAuthorizationStore()
        self.flow = CodeFlow(
            pending=self.pending,
            http=self.http,
            directory=self.directory,
            key=b"k" * 32,
            lifetime=600.0,
            clock=self.time,
        )
        self.letters = Letters()
        self.store = MemoryIdentityStore(self.world.accounts)
        self.identities = Identities(
            store=self.store,
            accounts=self.world.accounts,
            sign_in=self.world.sign_in,
            events=self.world.events,
            notices=self.letters,
            settings=self.world.settings,
            sign_up=sign_up,
            clock=self.time,
        )
        self.hand_over = HandOver(
            secrets=self.world.one_time,
            accounts=self.world.accounts,
            identities=self.store,
            clock=self.time,
        )
        self.browser = new_token()

    async def leave(self, provider=OIDC, *, browser="", **wish):
        return await self.flow.begin(
            provider, Wish(**wish), browser=browser or self.browser, redirect_uri=BACK
        )

    async def come_back(self, fields, provider=OIDC, *, browser=None):
        return await self.flow.finish(
            provider,
            AuthorizationAnswer.of(fields),
            browser=self.browser if browser is None else browser,
            redirect_uri=BACK,
        )

    async def travel(self, *, visit=None, **changes):
        """There and back; `changes` are made to what is brought back."""
        fields = self.provider.visit(await self.leave(), **(visit or {}))
        return await self.come_back({**fields, **changes})
