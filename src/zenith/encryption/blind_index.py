"""Find encrypted values by equality: a keyed digest stands before each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from zenith.encryption.context import Context
from zenith.encryption.data_key import KeyState
from zenith.encryption.keyring import Keyring
from zenith.encryption.normalization import NORMALIZATIONS
from zenith.encryption.sealed import encode
from zenith.encryption.service import secret_of, utf8
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength, derive

BITS: Final = 128
CHOICES: Final = (128, 192, 256)
MAX_INDEXED: Final = 4096
"""Bytes of a value that is found by equality."""


class BlindIndex:
    """HMAC-SHA256 under a key of its own, truncated, made for one table and column.

    Threat: a digest of few possible values, such as social security numbers, is undone by trying
    all of them; without the key nobody can try (ASVS 11.4.1). What it does tell whoever reads the
    database: which rows have the same value, and how often each occurs. So it is for values that
    differ from row to row, not for a yes or no.

    `normalize` names how texts are spelled before (see `NORMALIZATIONS`). `also` are keys under
    which values are looked for as well: first deploy the new key there, then as `key` with the old
    one there, re-encrypt, and leave the old one out. A keyring as `key` does all of that by its own
    states, and is seen when it changes. 128 `bits` make no two values meet by chance;
    fewer would find other people's rows. `unique` refuses the same value twice, under one key.
    """

    def __init__(
        self,
        key: str | Secret | Keyring,
        *,
        also: Sequence[str | Secret] = (),
        normalize: str = "exact",
        bits: int = BITS,
        unique: bool = False,
    ) -> None:
        if normalize not in NORMALIZATIONS:
            raise ConfigurationError(
                f"a blind index cannot normalize by `{normalize}`",
                fix="choose among " + ", ".join(NORMALIZATIONS),
            )
        if bits not in CHOICES:
            raise ConfigurationError(
                f"a blind index of {bits} bits", fix="choose 128, 192 or 256 bits"
            )
        self.normalize: Final = normalize
        self.bits: Final = bits
        self.unique: Final = unique
        self._normalize: Final = NORMALIZATIONS[normalize]
        self._ring: Final = key if isinstance(key, Keyring) else None
        fixed = also if isinstance(key, Keyring) else (key, *also)
        self._fixed: Final = [_digest(secret_of(each), normalize) for each in fixed]
        self._made: tuple[int, list[HMAC]] = (-1, self._fixed)

    @property
    def length(self) -> int:
        """Characters of a tag."""
        return (self.bits + 5) // 6

    def tag(self, value: str, context: Context) -> str:
        """What stands before `value` in this place. Raises ValueError for more than 4 KiB, and for
        what normalization leaves nothing of.
        """
        return self._tag(self._digests()[0], self._message(value, context))

    def tags(self, value: str, context: Context) -> list[str]:
        """What may stand before `value`, the newest key's first."""
        message = self._message(value, context)
        return [self._tag(digest, message) for digest in self._digests()]

    def __repr__(self) -> str:
        return f"BlindIndex(normalize={self.normalize!r}, bits={self.bits})"

    def __deepcopy__(self, memo: object) -> Self:
        # As for EncryptionService.
        return self

    def __reduce__(self) -> str:
        raise TypeError("a BlindIndex cannot be pickled")

    def _digests(self) -> list[HMAC]:
        """Those of the ring, whose keys may have changed, then those that never do."""
        if self._ring is None:
            return self._fixed
        made = self._made
        if made[0] != self._ring.version:
            # The version first: keys that change meanwhile are seen the next time.
            version, keys = self._ring.version, self._ring.keys
            first = sorted(keys, key=lambda key: key.state is not KeyState.ACTIVE)
            found = [key.material for key in first if key.material is not None]
            made = (version, [*(_of_ring(each, self.normalize) for each in found), *self._fixed])
            self._made = made
        return made[1]

    def _message(self, value: str, context: Context) -> bytes:
        data = utf8(self._normalize(value))
        if value and not data:
            # Else all such values would be one, and whoever asks for one finds the others.
            raise ValueError(f"has nothing left once it is spelled as `{self.normalize}`")
        if len(data) > MAX_INDEXED:
            raise ValueError(f"is longer than the {MAX_INDEXED} bytes that are indexed")
        return context.prefix + data

    def _tag(self, digest: HMAC, message: bytes) -> str:
        digest = digest.copy()
        digest.update(message)
        return encode(digest.finalize()[: self.bits // 8])


def _digest(secret: Secret, normalize: str) -> HMAC:
    check_strength(secret, setting="the key of a blind index")
    return HMAC(derive(secret, f"encryption/blind-index/{normalize}"), SHA256())


def _of_ring(material: bytes, normalize: str) -> HMAC:
    return HMAC(derive(Secret(encode(material)), f"encryption/blind-index/{normalize}"), SHA256())
