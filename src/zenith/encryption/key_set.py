"""All keys of one application: those of values, and those of blind indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias

from zenith.encryption.data_key import DataKey, KeyState
from zenith.encryption.keyring import Keyring
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

KeyUse: TypeAlias = Literal["values", "indexes"]
STEP: Final = 0.001
"""Seconds that a successor is younger at least, whatever the clock says."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Two rings, since a key never serves two uses (ASVS 11.2.4), and how often they changed."""

    values: Keyring
    indexes: Keyring
    generation: int = 1

    @classmethod
    def new(cls, *, now: float = 0.0) -> KeySet:
        """Random keys, one for each use."""
        first, second = (DataKey.new(now=now).within(KeyState.ACTIVE) for _ in range(2))
        return cls(Keyring([first]), Keyring([second]))

    def ring(self, use: KeyUse) -> Keyring:
        """The keys of one use."""
        return self.values if use == "values" else self.indexes

    def next(self) -> KeySet:
        """The same rings, to be stored once they were changed."""
        return replace(self, generation=self.generation + 1)


def pending(ring: Keyring) -> DataKey | None:
    """The key that was made to follow the active one and does not encrypt yet."""
    after = [key for key in ring.keys if _follows(key, ring.active)]
    return max(after, key=lambda key: key.created, default=None)


def add_pending(ring: Keyring, *, now: float) -> DataKey:
    """Make the successor of the active key, for all processes to learn before it encrypts. One that
    waits already stays the one.
    """
    waiting = pending(ring)
    if waiting is None:
        waiting = DataKey.new(now=max(now, ring.active.created + STEP))
        ring.add(waiting)
    return waiting


def finish(ring: Keyring, key: DataKey) -> None:
    """Let the successor encrypt. Raises ConfigurationError where somebody else has rotated past it
    meanwhile: it would come back in place of a newer key.
    """
    if ring.active.id != key.id and pending(ring) != key:
        raise ConfigurationError(
            f"key {key.id.hex()} no longer waits to follow the active one",
            fix="see `zenith keys list`: somebody else has rotated meanwhile",
        )
    ring.rotate(key)


def retire(ring: Keyring, key_id: bytes) -> None:
    """Destroy a former key. Raises ConfigurationError for one that is active, waits to be, or is
    unknown or gone.
    """
    known = {key.id: key for key in ring.keys}.get(key_id)
    if known is None or known.state is KeyState.DESTROYED:
        raise ConfigurationError(f"there is no key {key_id.hex()}", fix="see `zenith keys list`")
    if _follows(known, ring.active):
        raise ConfigurationError(
            f"key {key_id.hex()} waits to follow the active one", fix="finish the rotation first"
        )
    ring.destroy(key_id)


def _follows(key: DataKey, active: DataKey) -> bool:
    return key.state is KeyState.DECRYPT_ONLY and key.created > active.created
