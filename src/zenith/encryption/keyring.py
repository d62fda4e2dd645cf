"""The data keys of one application: which one encrypts now, and which ones still decrypt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from zenith.encryption.data_key import DataKey, KeyState
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

MAX_KEYS: Final = 256
"""Keys that still open something."""
MAX_DESTROYED: Final = 1024
"""Destroyed keys whose ids are remembered; the oldest is forgotten before a further one."""


class Keyring:
    """Keys by id, one of them active (ASVS 11.2.2: keys can be replaced at any time).

    Every change builds a new table and puts it in place in one assignment, with a new `version`:
    who encrypts at that moment sees the old keys or the new ones, never half of both.
    """

    def __init__(self, keys: Iterable[DataKey]) -> None:
        self._keys: Mapping[bytes, DataKey] = MappingProxyType(_table(keys))
        self.version = 0
        """Changes with the keys, so that what was derived from them is known to be out of date."""

    @classmethod
    def from_secret(cls, secret: Secret, previous: Sequence[Secret] = ()) -> Keyring:
        """Keys derived from secrets: the first encrypts, `previous` ones only decrypt."""
        keys = [DataKey.derived(each) for each in previous]
        return cls([DataKey.derived(secret).within(KeyState.ACTIVE), *keys])

    @property
    def active(self) -> DataKey:
        """The key that encrypts."""
        return next(key for key in self._keys.values() if key.state is KeyState.ACTIVE)

    @property
    def keys(self) -> tuple[DataKey, ...]:
        """All keys, destroyed ones included."""
        return tuple(self._keys.values())

    def material(self, key_id: bytes) -> bytes | None:
        """The key with this id; None if it is unknown or destroyed."""
        key = self._keys.get(key_id)
        return None if key is None else key.material

    def rotate(self, key: DataKey) -> None:
        """Let `key` encrypt from now on; its predecessor only decrypts.

        With several processes, `add` it in all of them first: else one reads what it cannot open.
        """
        present = self._keys.get(key.id)
        if present is not None and present.material != key.material:
            raise _clash(key)
        others = [each for each in self._keys.values() if each.id != key.id]
        stepped = [
            each.within(KeyState.DECRYPT_ONLY) if each.state is KeyState.ACTIVE else each
            for each in others
        ]
        self._replace([*stepped, key.within(KeyState.ACTIVE)])

    def add(self, key: DataKey) -> None:
        """Let `key` decrypt; it does not encrypt before `rotate` says so."""
        self._replace([*self._keys.values(), key])

    def destroy(self, key_id: bytes) -> None:
        """Forget a key: what is still encrypted under it never opens again.

        Raises ConfigurationError for the active key and for unknown ids.
        """
        key = self._keys.get(key_id)
        if key is None or key.state is KeyState.ACTIVE:
            raise ConfigurationError(
                f"key {key_id.hex()} is active or unknown", fix="rotate to another key first"
            )
        self._replace(
            without_oldest(
                [
                    each.within(KeyState.DESTROYED) if each is key else each
                    for each in self._keys.values()
                ]
            )
        )

    def may_lack(self, key: DataKey) -> bool:
        """Whether a key that is not here can have been destroyed and forgotten."""
        gone = _destroyed(self._keys.values())
        return len(gone) == MAX_DESTROYED and key.created <= gone[0].created

    def replace(self, keys: Iterable[DataKey]) -> None:
        """Hold these keys from now on, as another process has stored them."""
        self._replace(keys)

    def __repr__(self) -> str:
        told = ", ".join(f"{key.id.hex()} {key.state.value}" for key in self._keys.values())
        return f"Keyring({told})"

    def __reduce__(self) -> str:
        raise TypeError("a Keyring cannot be pickled")

    def _replace(self, keys: Iterable[DataKey]) -> None:
        self._keys = MappingProxyType(_table(keys))
        self.version += 1


def _table(keys: Iterable[DataKey]) -> dict[bytes, DataKey]:
    table: dict[bytes, DataKey] = {}
    for key in keys:
        if key.id in table:
            raise _clash(key)
        table[key.id] = key
    gone = len(_destroyed(table.values()))
    if len(table) - gone > MAX_KEYS or gone > MAX_DESTROYED:
        raise ConfigurationError(
            "a keyring is too large",
            fix=f"keep at most {MAX_KEYS} keys: re-encrypt, and retire those that nothing needs",
        )
    if [key.state for key in table.values()].count(KeyState.ACTIVE) != 1:
        raise ConfigurationError(
            "a keyring has no key that encrypts, or several", fix="make exactly one active"
        )
    return table


def without_oldest(keys: Sequence[DataKey]) -> list[DataKey]:
    """The keys, less the oldest destroyed ones where there are too many of them. A ring lives as
    long as its data, and what is rotated every day would be full after years.
    """
    gone = _destroyed(keys)
    forgotten = {key.id for key in gone[: max(0, len(gone) - MAX_DESTROYED)]}
    return [key for key in keys if key.id not in forgotten]


def _destroyed(keys: Iterable[DataKey]) -> list[DataKey]:
    """The oldest first."""
    gone = [key for key in keys if key.state is KeyState.DESTROYED]
    return sorted(gone, key=lambda key: key.created)


def _clash(key: DataKey) -> ConfigurationError:
    return ConfigurationError(
        f"the key id {key.id.hex()} occurs twice", fix="give each key once; make another"
    )
