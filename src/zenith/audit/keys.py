"""The keys of the log: one marks events, one marks seals, one signs checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hmac import HMAC

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, derive
from zenith.kernel.records import dataclass

ID_BYTES: Final = 8
MAC_VERSION: Final = b"\x01"
PUBLIC_BYTES: Final = 32


class _Mac:
    """HMAC-SHA256 under one key, which is absorbed once: each MAC continues from a copy of that
    state.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed: Final = HMAC(key, hashes.SHA256())

    def of(self, message: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.finalize()


@dataclass(frozen=True, slots=True)
class _Derived:
    key_id: bytes
    events: _Mac
    seals: _Mac
    signing: Ed25519PrivateKey


class AuditKeys:
    """Keys derived from the application's secrets, the present one first; former ones verify what
    they marked.

    Threat: a key that serves two uses, and a rotation after which old seals prove nothing
    (ASVS 11.2.4, 13.3.4). Each purpose has a key of its own (RFC 5869), and each MAC names its key
    by an id that tells nothing of it.
    """

    def __init__(self, secrets: Sequence[Secret]) -> None:
        if not secrets:
            raise ConfigurationError(
                "the audit log cannot be sealed without a key", fix="pass at least one secret"
            )
        derived = [_derived(secret) for secret in secrets]
        self._present: Final = derived[0]
        self._known: Final = {each.key_id: each for each in derived}
        self._prefix: Final = MAC_VERSION + derived[0].key_id
        self._events: Final = derived[0].events

    def __repr__(self) -> str:
        return f"AuditKeys({self.key_id})"

    @property
    def key_id(self) -> str:
        """The present key's id, in hex."""
        return self._present.key_id.hex()

    @property
    def public(self) -> PublicKeys:
        """What verifies the signatures of all keys, the present one first."""
        return PublicKeys([_public_bytes(each.signing) for each in self._known.values()])

    def mark(self, encoded: bytes) -> bytes:
        """The MAC of an event: version, key id, HMAC-SHA256 (RFC 2104)."""
        return self._prefix + self._events.of(encoded)

    def is_marked(self, encoded: bytes, mac: bytes) -> bool:
        """Whether `mac` is the one that `mark` made with one of the keys."""
        key = self._known.get(mac[1 : 1 + ID_BYTES])
        if key is None:
            return False
        made = MAC_VERSION + key.key_id + key.events.of(encoded)
        return compare_digest(made, mac)

    def mark_seal(self, digest: bytes) -> bytes:
        """The MAC of a seal: HMAC-SHA256 over its hash."""
        return self._present.seals.of(digest)

    def knows(self, key_id: str) -> bool:
        """Whether seals under this key can be verified here."""
        return bytes.fromhex(key_id) in self._known

    def is_seal_marked(self, key_id: str, digest: bytes, mac: object) -> bool:
        """Whether `mac`, whatever a database holds there, is what `mark_seal` made with the key
        `key_id`.
        """
        key = self._known.get(bytes.fromhex(key_id))
        if key is None or not isinstance(mac, bytes):
            return False
        return compare_digest(key.seals.of(digest), mac)

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature (RFC 8032) by the present key."""
        return self._present.signing.sign(message)


class PublicKeys:
    """What verifies checkpoints: may be given to anyone."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.by_id: Final[Mapping[str, bytes]] = {public_id(key): key for key in keys}

    @property
    def first(self) -> str:
        """The id of the first key, by which the present one signs."""
        return next(iter(self.by_id))

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool | None:
        """Whether the key `key_id` signed `message`; None if that key is not known here."""
        raw = self.by_id.get(key_id)
        if raw is None:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def public_id(raw: bytes) -> str:
    """The id of a public key: the first 64 bits of its SHA-256, in hex.

    Raises ConfigurationError for what is no Ed25519 key.
    """
    try:
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise ConfigurationError(
            "not an Ed25519 public key", fix="give the 64 hex digits that `zenith audit key` prints"
        ) from None
    return hashlib.sha256(raw).digest()[:ID_BYTES].hex()


def _derived(secret: Secret) -> _Derived:
    return _Derived(
        key_id=derive(secret, "audit/key-id", ID_BYTES),
        events=_Mac(derive(secret, "audit/events")),
        seals=_Mac(derive(secret, "audit/seals")),
        signing=Ed25519PrivateKey.from_private_bytes(derive(secret, "audit/checkpoints")),
    )


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
