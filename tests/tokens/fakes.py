"""Clocks that stand still, stores in memory, and tokens made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zenith.authentication import Revocation, RevocationList
from zenith.kernel.errors import ConflictError
from zenith.kernel.keys import Secret
from zenith.pipeline import Exchange
from zenith.tokens import Key, RefreshFamily, Rotation, TokenManager
from zenith.tokens.base64url import encode

SECRET = Secret("hV3kT9wQ2mZ8xR5bN7cJ4fL6pD1sG0aYuEoIiWnB")
OTHER_SECRET = Secret("Zq8Wn3Rt6Yb1Mx4Kc9Vp2Ls7Hd5Jf0GaTeUoSiXy")


class Time:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_800_000_000.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class MemoryRevocations:
    def __init__(self) -> None:
        self.kept: list[Revocation] = []

    async def add(self, revocations: Sequence[Revocation]) -> None:
        self.kept.extend(revocations)

    async def since(self, moment: float) -> Sequence[Revocation]:
        return [each for each in self.kept if each.at >= moment]

    async def prune(self, now: float) -> int:
        return 0


class MemoryFamilies:
    """The refresh store's contract at its plainest: one thread, one step."""

    def __init__(self) -> None:
        self.families: dict[str, RefreshFamily] = {}
        self.previous: dict[str, tuple[str, float]] = {}
        self.revoked: set[str] = set()

    async def start(self, family: RefreshFamily) -> None:
        if family.id in self.families:
            raise ConflictError
        self.families[family.id] = family

    async def rotate(
        self, *, handle: str, presented: str, successor: str, now: float, grace: float
    ) -> Rotation:
        family = next((f for f in self.families.values() if f.handle == handle), None)
        if family is None:
            return Rotation(outcome="unknown")
        before, at = self.previous.get(family.id, ("", 0.0))
        if family.id in self.revoked:
            outcome = "revoked"
        elif family.expires_at <= now:
            outcome = "expired"
        elif presented == family.current:
            outcome = "rotated"
            self.previous[family.id] = (presented, now)
            family = self.families[family.id] = replace(family, current=successor)
        elif presented == before and now - at <= grace:
            outcome = "replayed"
        else:
            outcome = "reused"
            self.revoked.add(family.id)
        return Rotation(
            outcome=outcome,
            family_id=family.id,
            account_id=family.account_id,
            current=family.current,
            expires_at=family.expires_at,
        )

    async def find(self, *, handle: str, now: float) -> RefreshFamily | None:
        alive = [
            f for f in self.families.values() if f.expires_at > now and f.id not in self.revoked
        ]
        return next((f for f in alive if f.handle == handle), None)

    async def revoke_family(self, family_id: str, *, now: float) -> bool:
        alive = family_id in self.families and family_id not in self.revoked
        self.revoked.add(family_id)
        return alive

    async def revoke_account(self, account_id: str, *, now: float, keep: str | None = None) -> int:
        ended = {
            f.id
            for f in self.families.values()
            if f.account_id == account_id and f.id != keep and f.id not in self.revoked
        }
        self.revoked |= ended
        return len(ended)

    async def prune(self, now: float) -> int:
        gone = [f.id for f in self.families.values() if f.expires_at <= now]
        for each in gone:
            del self.families[each]
        return len(gone)


def revocation_list(time: Time) -> RevocationList:
    return RevocationList(MemoryRevocations(), clock=time, steady=time)


def manager(time: Time | None = None, **more: Any) -> TokenManager:
    return TokenManager(SECRET, clock=time or Time(), **more)


def forge(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], key: Key) -> str:
    """A token with any header and payload, signed by `key` whatever the header says."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = encode(head) + b"." + encode(body)
    return (message + b"." + encode(key.sign(message))).decode()


def exchange(*headers: tuple[bytes, bytes], query: bytes = b"") -> Exchange:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": list(headers),
        "query_string": query,
        "scheme": "https",
        "client": ("192.0.2.1", 1234),
    }

    async def receive() -> Any:
        raise AssertionError("the body is not read")

    return Exchange(scope, receive)
