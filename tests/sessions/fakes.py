"""Stores that tell what was asked of them, and clocks that stand still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zenith.authentication import Revocation, RevocationList, Subject, SubjectCache
from zenith.kernel.permissions import Permissions
from zenith.pipeline import Exchange
from zenith.sessions import SessionRecord, Sessions, SessionScheme, SessionSettings
from zenith.stores.memory import MemoryRevocationStore, MemorySessionStore


class Time:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class CountingSessions(MemorySessionStore):
    """Counts what is read and keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.writes: list[tuple[str, float, float]] = []

    @property
    def records(self) -> Mapping[str, SessionRecord]:
        return self._records

    async def find(self, digest: str, *, now: float) -> SessionRecord | None:
        self.reads += 1
        return await super().find(digest, now=now)

    async def touch(self, session_id: str, *, now: float, idle_expires_at: float) -> bool:
        self.writes.append((session_id, now, idle_expires_at))
        return await super().touch(session_id, now=now, idle_expires_at=idle_expires_at)


class KeepingRevocations(MemoryRevocationStore):
    """Keeps what was announced, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Revocation] = []

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self.stored += revocations
        await super().add(revocations)


class FakeSubjects:
    def __init__(self) -> None:
        self.subjects = {
            "ada": Subject(
                id="ada",
                active=True,
                roles=frozenset({"user"}),
                permissions=Permissions(["posts:read"]),
                tenant="t1",
            )
        }
        self.inside: dict[tuple[str, str], Subject] = {}

    async def find(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        if tenant is not None:
            return self.inside.get((subject_id, tenant))
        return self.subjects.get(subject_id)


class World:
    """One process's view of the stores; hand the stores of one to another for two processes."""

    def __init__(self, other: World | None = None, settings: SessionSettings | None = None) -> None:
        self.settings = settings or SessionSettings()
        self.time = other.time if other else Time()
        self.steady = other.steady if other else Time()
        self.store = other.store if other else CountingSessions()
        self.revoked = other.revoked if other else KeepingRevocations()
        self.source = other.source if other else FakeSubjects()
        self.revocations = RevocationList(self.revoked, clock=self.time, steady=self.steady)
        self.subjects = SubjectCache(self.source, self.revocations, steady=self.steady)
        self.sessions = Sessions(self.store, self.revocations, self.settings, clock=self.time)
        self.scheme = SessionScheme(
            self.sessions,
            self.subjects,
            self.revocations,
            self.settings,
            clock=self.time,
            steady=self.steady,
        )

    def pass_time(self, seconds: float) -> None:
        self.time.now += seconds
        self.steady.now += seconds

    async def sign_in(self, account: str = "ada") -> tuple[SessionRecord, str]:
        record, cookie = await self.sessions.start(
            account, kind="browser", factors={"password": self.time()}
        )
        assert cookie is not None
        return record, cookie

    def exchange(self, cookie: str | None, *, name: str = "__Host-zenith-session") -> Exchange:
        return exchange(f"{name}={cookie}" if cookie is not None else None)

    async def subject_of(self, cookie: str | None) -> str | None:
        principal = await self.scheme.authenticate(self.exchange(cookie))
        return principal.subject if principal else None


def exchange(cookie_header: str | None) -> Exchange:
    headers = [] if cookie_header is None else [(b"cookie", cookie_header.encode("latin-1"))]

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    return Exchange(scope, receive)
