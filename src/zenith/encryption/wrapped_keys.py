"""A keyring as a document: its data keys wrapped by a provider, fit for a file or a table."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from zenith.encryption.data_key import DataKey, KeyState
from zenith.encryption.errors import DecryptionError
from zenith.encryption.keyring import MAX_KEYS, Keyring
from zenith.encryption.providers import KeyProvider
from zenith.encryption.sealed import decode, encode
from zenith.kernel.errors import ConfigurationError

VERSION: Final = 1
MAX_DOCUMENT: Final = 1024 * 1024


async def wrap_keyring(keyring: Keyring, provider: KeyProvider) -> str:
    """The ring as JSON. To change the key-encryption key, unwrap with the old provider and wrap
    with the new one: values stay as they are.

    Threat: a copy of the document. It opens with the provider's key only, and each data key is
    bound to its id, state and date, so that who can write it cannot make a retired key encrypt.
    """
    entries = [
        {
            "id": key.id.hex(),
            "state": key.state.value,
            "created": key.created,
            "wrapped": await _wrap(key, provider),
        }
        for key in keyring.keys
    ]
    return json.dumps({"version": VERSION, "keys": entries}, indent=2)


async def unwrap_keyring(document: str, provider: KeyProvider) -> Keyring:
    """The ring that `wrap_keyring` was given. Raises ConfigurationError for any other document, or
    another provider's.
    """
    try:
        return Keyring([await _unwrap(entry, provider) for entry in _entries(document)])
    except (DecryptionError, ValueError, TypeError, KeyError, RecursionError):
        raise ConfigurationError(
            "the document of data keys does not open",
            fix="restore it from a backup, and check that the key-encryption key is its own",
        ) from None


async def _wrap(key: DataKey, provider: KeyProvider) -> str | None:
    if key.material is None:
        return None
    return encode(await provider.wrap(key.material, context=_context(key)))


async def _unwrap(entry: dict[str, Any], provider: KeyProvider) -> DataKey:
    if set(entry) != {"id", "state", "created", "wrapped"}:
        raise ValueError("unknown members")
    state, created = KeyState(entry["state"]), float(entry["created"])
    if not math.isfinite(created):
        raise ValueError("no date")
    told = DataKey(bytes.fromhex(entry["id"]), None, KeyState.DESTROYED, created)
    if state is KeyState.DESTROYED:
        return told
    wrapped = decode(str(entry["wrapped"]))
    material = await provider.unwrap(wrapped, context=_named(told.id, state, created))
    return DataKey(told.id, material, state, created)


def _entries(document: str) -> list[dict[str, Any]]:
    if len(document) > MAX_DOCUMENT:
        raise ValueError("too long")
    read = json.loads(document)
    entries: list[dict[str, Any]] = read["keys"]
    if read["version"] != VERSION or not 0 < len(entries) <= MAX_KEYS:
        raise ValueError("another version")
    return entries


def _context(key: DataKey) -> str:
    return _named(key.id, key.state, key.created)


def _named(key_id: bytes, state: KeyState, created: float) -> str:
    return f"{key_id.hex()} {state.value} {created!r}"
