"""Every revocation store keeps the contract of `zenith.authentication.store`."""

from __future__ import annotations

from zenith.authentication.store import Revocation, RevocationKind, RevocationStore


def revoked(
    key: str, *, at: float, until: float = 9000.0, kind: RevocationKind = "token"
) -> Revocation:
    return Revocation(kind=kind, key=key, at=at, until=until)


async def test_revocations_come_back(revocations: RevocationStore) -> None:
    stored = [
        revoked("j1", at=10.0),
        revoked("s1", at=20.5, kind="session"),
        revoked("u1", at=30.0, kind="subject"),
        revoked("u1", at=40.0, kind="token"),
    ]
    await revocations.add(stored)
    assert list(await revocations.since(0.0)) == stored
    assert list(await revocations.since(20.5)) == stored[1:]
    assert list(await revocations.since(40.1)) == []


async def test_nothing_is_nothing(revocations: RevocationStore) -> None:
    await revocations.add([])
    assert list(await revocations.since(0.0)) == []


async def test_the_later_of_two_counts(revocations: RevocationStore) -> None:
    await revocations.add([revoked("u", at=50.0, until=100.0)])
    await revocations.add([revoked("u", at=20.0, until=500.0)])
    assert list(await revocations.since(0.0)) == [revoked("u", at=50.0, until=500.0)]
    await revocations.add([revoked("u", at=70.0, until=200.0), revoked("u", at=60.0, until=800.0)])
    assert list(await revocations.since(0.0)) == [revoked("u", at=70.0, until=800.0)]
    assert list(await revocations.since(65.0)) == [revoked("u", at=70.0, until=800.0)]


async def test_thousands_at_once(revocations: RevocationStore) -> None:
    many = [revoked(f"s{number:05}", at=float(number), kind="session") for number in range(2500)]
    await revocations.add(many)
    assert list(await revocations.since(0.0)) == many
    assert len(await revocations.since(2400.0)) == 100


async def test_what_can_no_longer_matter_is_pruned(revocations: RevocationStore) -> None:
    await revocations.add(
        [
            revoked("a", at=1.0, until=99.0),
            revoked("b", at=2.0, until=100.0),
            revoked("c", at=3.0, until=101.0),
        ]
    )
    assert await revocations.prune(100.0) == 1
    assert await revocations.prune(100.0) == 0
    assert [each.key for each in await revocations.since(0.0)] == ["b", "c"]
