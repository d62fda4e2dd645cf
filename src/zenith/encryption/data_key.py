"""Data keys: what values are encrypted under, and what each may still be used for."""

from __future__ import annotations

import secrets
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength, derive
from zenith.kernel.records import dataclass

KEY_BYTES: Final = 32
ID_BYTES: Final = 4


class KeyState(StrEnum):
    """The life of a key (NIST SP 800-57 part 1, section 7)."""

    ACTIVE = "active"
    """Encrypts and decrypts."""
    DECRYPT_ONLY = "decrypt-only"
    """Decrypts what is not yet re-encrypted."""
    DESTROYED = "destroyed"
    """Gone: its id is kept so that no other key ever gets it."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """An AES-256 key and its id, which stands in every value that it encrypts."""

    id: bytes
    """Four bytes; no secret."""
    material: bytes | None = field(repr=False)
    """The key itself; None once destroyed."""
    state: KeyState = KeyState.DECRYPT_ONLY
    created: float = 0.0
    """Unix seconds; 0 where the key is derived and has no date."""

    def __post_init__(self) -> None:
        if len(self.id) != ID_BYTES:
            raise ConfigurationError("a data key has no id of four bytes", fix="make it by new()")
        if (self.material is None) != (self.state is KeyState.DESTROYED):
            raise ConfigurationError(
                "a data key is destroyed and still there, or neither", fix="use destroyed()"
            )
        if self.material is not None and len(self.material) != KEY_BYTES:
            raise ConfigurationError("a data key has no 256 bits", fix="make it by new()")

    @classmethod
    def new(cls, *, now: float = 0.0) -> DataKey:
        """A random key of the operating system's generator."""
        return cls(secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES), created=now)

    @classmethod
    def derived(cls, secret: Secret, *, setting: str = "master_key") -> DataKey:
        """The key that belongs to `secret` (RFC 5869); raises ConfigurationError for weak ones."""
        check_strength(secret, setting=setting)
        # The id is derived as well, not a digest of the secret: it is public and must tell nothing.
        return cls(
            derive(secret, "encryption/data-key/id", ID_BYTES),
            derive(secret, "encryption/data-key", KEY_BYTES),
        )

    def within(self, state: KeyState) -> DataKey:
        """The same key in another state; a destroyed one has no material."""
        material = None if state is KeyState.DESTROYED else self.material
        return replace(self, state=state, material=material)
