"""What signs tokens, and what keeps it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zenith.kernel.events import EventSink
from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.sql import Database, SqlKeyStore, SqlProofStore
from zenith.tokens import DpopVerifier, KeyRing, KeyRotation
from zenith.tokens.store import ProofStore


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKeys:
    """The key ring, and what rotates it where its keys are not those of the secret."""

    keyring: KeyRing
    rotation: KeyRotation | None

    @property
    def background(self) -> tuple[KeyRotation, ...]:
        """What runs beside the requests."""
        return () if self.rotation is None else (self.rotation,)


def proof_verifier(
    settings: Settings, secrets: tuple[Secret, ...], database: Database, redis: Any
) -> DpopVerifier | None:
    """What judges proofs of possession; None where they are off."""
    tokens = settings.tokens
    if tokens.dpop == "off":
        return None
    store: ProofStore = SqlProofStore(database)
    if redis is not None:
        from zenith.stores.redis import RedisProofStore  # noqa: PLC0415  for who has one

        store = RedisProofStore(redis)
    return DpopVerifier(
        store,
        secrets,
        origin=settings.origin,
        window=tokens.dpop_window,
        use_nonce=tokens.dpop_nonce,
        required=tokens.dpop == "required",
    )


def signing_keys(
    settings: Settings, secrets: tuple[Secret, ...], database: Database, events: EventSink
) -> SigningKeys:
    """What signs access tokens: the application's secret, or keys in the database."""
    if settings.tokens.algorithm == "HS256":
        ring = KeyRing.from_secret(secrets[0], previous=secrets[1:])
        return SigningKeys(keyring=ring, rotation=None)
    ring = KeyRing.pending()
    rotation = KeyRotation(
        SqlKeyStore(database), secrets, ring, settings=settings.tokens, events=events
    )
    return SigningKeys(keyring=ring, rotation=rotation)
