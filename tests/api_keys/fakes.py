"""One process's view of keys, with clocks that stand still."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sessions.fakes import FakeSubjects, KeepingRevocations, Time
from zenith.api_keys import (
    Actor,
    APIKey,
    APIKeys,
    APIKeyScheme,
    APIKeySettings,
    IssuedKey,
    KeyLimit,
    KeyRequest,
    KeyUse,
    LastUses,
)
from zenith.authentication import RevocationList, SubjectCache
from zenith.kernel.events import Event
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange
from zenith.stores.memory import MemoryAPIKeyStore

SETTINGS = APIKeySettings(scopes=("read:data",))


class CountingKeys(MemoryAPIKeyStore):
    """Counts what is looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.finds = 0
        self.noted: list[KeyUse] = []

    async def find(self, prefix: str) -> APIKey | None:
        self.finds += 1
        return await super().find(prefix)

    async def note_uses(self, uses: Sequence[KeyUse], *, interval: float) -> None:
        self.noted += uses
        await super().note_uses(uses, interval=interval)


class Events:
    def __init__(self) -> None:
        self.recorded: list[Event] = []

    async def record(self, event: Event) -> None:
        self.recorded.append(event)

    def note(self, event: Event) -> None:
        self.recorded.append(event)


class World:
    """Hand one world to another for two processes over the same stores."""

    def __init__(
        self,
        other: World | None = None,
        *,
        settings: APIKeySettings = SETTINGS,
        limit: KeyLimit | None = None,
        tenants: bool = False,
    ) -> None:
        self.time = other.time if other else Time()
        self.steady = other.steady if other else Time()
        self.store = other.store if other else CountingKeys()
        self.revoked = other.revoked if other else KeepingRevocations()
        self.source = other.source if other else FakeSubjects()
        self.events = Events()
        self.revocations = RevocationList(self.revoked, clock=self.time, steady=self.steady)
        self.subjects = SubjectCache(self.source, self.revocations, steady=self.steady)
        self.uses = LastUses(self.store)
        self.keys = APIKeys(
            self.store,
            self.revocations,
            self.events,
            settings,
            subjects=self.subjects if tenants else None,
            clock=self.time,
        )
        self.scheme = APIKeyScheme(
            self.store,
            self.subjects,
            self.revocations,
            settings,
            uses=self.uses,
            limit=limit,
            clock=self.time,
            steady=self.steady,
        )

    def pass_time(self, seconds: float) -> None:
        self.time.now += seconds
        self.steady.now += seconds

    async def issue(self, *scopes: str, owner: str | None = "ada", **more: float) -> IssuedKey:
        request = KeyRequest(
            name="export", scopes=scopes, owner_id=owner, lifetime=more.get("lifetime")
        )
        return await self.keys.issue(operator(), request)

    async def principal(self, key: str, header: bytes = b"x-api-key") -> Principal | None:
        return await self.scheme.authenticate(self.exchange(key, header))

    def exchange(self, key: str, header: bytes = b"x-api-key") -> Exchange:
        value = key if header == b"x-api-key" else f"Bearer {key}"
        return exchange((header, value.encode("latin-1")))


def person(subject: str = "ada", *permissions: str) -> Actor:
    """An account that was signed in by its cookie."""
    principal = Principal(
        subject=subject, permissions=Permissions(permissions or ["posts:read"]), scheme="session"
    )
    return Actor(principal=principal, owner_id=subject, address="192.0.2.1")


def operator() -> Actor:
    return Actor.local(Principal(subject="operator", kind="service", scheme="cli"))


def exchange(*headers: tuple[bytes, bytes], query: bytes = b"") -> Exchange:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": list(headers),
        "query_string": query,
        "client": ("192.0.2.7", 1234),
    }
    return Exchange(scope, receive)
