"""The keys of an application as a document: wrapped by a provider, fit for a file or a table."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from typing import Any, Final

from zenith.encryption.data_key import DataKey, KeyState
from zenith.encryption.errors import DecryptionError
from zenith.encryption.key_set import KeySet, KeyUse
from zenith.encryption.keyring import MAX_DESTROYED, MAX_KEYS, Keyring
from zenith.encryption.providers import KeyProvider
from zenith.encryption.sealed import decode, encode
from zenith.kernel.errors import ConfigurationError

VERSION: Final = 1
MAX_DOCUMENT: Final = 1024 * 1024
USES: Final[tuple[KeyUse, ...]] = ("values", "indexes")
MEMBERS: Final = {"version", "generation", "seal", *USES}
SEAL: Final = "document"


async def wrap_keys(keys: KeySet, provider: KeyProvider) -> str:
    """The keys as JSON. To change the key-encryption key, unwrap with the old provider and wrap
    with the new one: values stay as they are.

    Threat: whoever can write the document. It opens with the provider's key only, each key is bound
    to its use, id, state and date, and the seal to all of them and to the generation: no entry can
    be changed, left out, or taken from another document. A whole document of before still opens;
    running processes refuse a generation below theirs, the start cannot know.
    """
    document: dict[str, Any] = {"version": VERSION, "generation": keys.generation}
    for use in USES:
        document[use] = [await _wrap(use, key, provider) for key in keys.ring(use).keys]
    document["seal"] = encode(await provider.wrap(_digest(document), context=SEAL))
    return json.dumps(document, indent=2)


async def unwrap_keys(document: str, provider: KeyProvider) -> KeySet:
    """The keys that `wrap_keys` was given. Raises ConfigurationError for any other document, or
    another provider's.
    """
    try:
        read = _read(document)
        await _check_seal(read, provider)
        values, indexes = [
            Keyring([await _unwrap(use, entry, provider) for entry in read[use]]) for use in USES
        ]
        return KeySet(values, indexes, read["generation"])
    except (DecryptionError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ConfigurationError(
            "the document of encryption keys does not open",
            fix="restore it from a backup, and check that the key-encryption key is its own",
        ) from None


async def _check_seal(read: dict[str, Any], provider: KeyProvider) -> None:
    sealed = await provider.unwrap(decode(read.pop("seal")), context=SEAL)
    if not hmac.compare_digest(sealed, _digest(read)):
        raise DecryptionError


def _digest(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).digest()


def _read(document: str) -> dict[str, Any]:
    if len(document) > MAX_DOCUMENT:
        raise ValueError("too long")
    read: dict[str, Any] = json.loads(document)
    if set(read) != MEMBERS or read["version"] != VERSION or type(read["generation"]) is not int:
        raise ValueError("another version")
    if not all(0 < len(read[use]) <= MAX_KEYS + MAX_DESTROYED for use in USES):
        raise ValueError("no keys, or too many")
    return read


async def _wrap(use: KeyUse, key: DataKey, provider: KeyProvider) -> dict[str, Any]:
    entry = {"id": key.id.hex(), "state": key.state.value, "created": key.created}
    if key.material is None:
        return entry | {"wrapped": None}
    context = _named(use, key.id, key.state, key.created)
    return entry | {"wrapped": encode(await provider.wrap(key.material, context=context))}


async def _unwrap(use: KeyUse, entry: dict[str, Any], provider: KeyProvider) -> DataKey:
    if set(entry) != {"id", "state", "created", "wrapped"}:
        raise ValueError("unknown members")
    state, created = KeyState(entry["state"]), float(entry["created"])
    if not math.isfinite(created):
        raise ValueError("no date")
    key_id = bytes.fromhex(entry["id"])
    if state is KeyState.DESTROYED:
        return DataKey(key_id, None, state, created)
    context = _named(use, key_id, state, created)
    return DataKey(
        key_id,
        await provider.unwrap(decode(str(entry["wrapped"])), context=context),
        state,
        created,
    )


def _named(use: KeyUse, key_id: bytes, state: KeyState, created: float) -> str:
    return f"{use} {key_id.hex()} {state.value} {created!r}"
