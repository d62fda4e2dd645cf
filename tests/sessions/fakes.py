"""Small stores in memory and clocks that stand still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zenith.authentication import Revocation, RevocationList, Subject, SubjectCache
from zenith.kernel.permissions import Permissions
from zenith.pipeline import Exchange
from zenith.sessions import SessionRecord, Sessions, SessionScheme, SessionSettings


class Time:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeSessions:
    def __init__(self) -> None:
        self.records: dict[str, SessionRecord] = {}
        self.reads = 0
        self.writes: list[tuple[str, float, float]] = []

    def _live(self, record: SessionRecord | None, now: float) -> SessionRecord | None:
        return record if record and now < min(record.idle_expires_at, record.expires_at) else None

    def _by_digest(self, digest: str) -> SessionRecord | None:
        return next((each for each in self.records.values() if each.digest == digest), None)

    async def create(self, record: SessionRecord) -> None:
        self.records[record.id] = record

    async def find(self, digest: str, *, now: float) -> SessionRecord | None:
        self.reads += 1
        return self._live(self._by_digest(digest), now)

    async def get(self, session_id: str, *, now: float) -> SessionRecord | None:
        return self._live(self.records.get(session_id), now)

    async def touch(self, session_id: str, *, now: float, idle_expires_at: float) -> bool:
        self.writes.append((session_id, now, idle_expires_at))
        record = self._live(self.records.get(session_id), now)
        if record is None:
            return False
        self.records[session_id] = replace(
            record, last_seen_at=now, idle_expires_at=idle_expires_at
        )
        return True

    async def rotate(
        self, old_digest: str, new_digest: str, *, now: float, factors: Mapping[str, float]
    ) -> SessionRecord | None:
        record = self._live(self._by_digest(old_digest), now)
        if record is None:
            return None
        self.records[record.id] = replace(record, digest=new_digest, factors=factors)
        return self.records[record.id]

    async def end(self, session_id: str, *, account_id: str) -> bool:
        record = self.records.get(session_id)
        if record is None or record.account_id != account_id:
            return False
        del self.records[session_id]
        return True

    async def end_all(self, account_id: str, *, except_id: str | None = None) -> Sequence[str]:
        ended = [
            each.id
            for each in self.records.values()
            if each.account_id == account_id and each.id != except_id
        ]
        for session_id in ended:
            del self.records[session_id]
        return ended

    async def of_account(self, account_id: str, *, now: float) -> Sequence[SessionRecord]:
        mine = [each for each in self.records.values() if each.account_id == account_id]
        live = [each for each in mine if self._live(each, now)]
        return sorted(live, key=lambda each: each.last_seen_at, reverse=True)

    async def prune(self, *, now: float) -> int:
        dead = [each.id for each in self.records.values() if not self._live(each, now)]
        for session_id in dead:
            del self.records[session_id]
        return len(dead)


class FakeRevocations:
    def __init__(self) -> None:
        self.stored: list[Revocation] = []

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self.stored += revocations

    async def since(self, moment: float) -> Sequence[Revocation]:
        return [each for each in self.stored if each.at >= moment]

    async def prune(self, now: float) -> int:
        return 0


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

    async def find(self, subject_id: str) -> Subject | None:
        return self.subjects.get(subject_id)


class World:
    """One process's view of the stores; hand the stores of one to another for two processes."""

    def __init__(self, other: World | None = None, settings: SessionSettings | None = None) -> None:
        self.settings = settings or SessionSettings()
        self.time = other.time if other else Time()
        self.steady = other.steady if other else Time()
        self.store = other.store if other else FakeSessions()
        self.revoked = other.revoked if other else FakeRevocations()
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
