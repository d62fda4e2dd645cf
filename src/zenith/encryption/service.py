"""Encrypt what must be read again: the guide's four methods, and what columns and streams need."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from zenith.encryption.cipher import Cipher
from zenith.encryption.context import Context
from zenith.encryption.data_key import DataKey
from zenith.encryption.errors import DecryptionError
from zenith.encryption.fernet_values import MARK, FernetValues
from zenith.encryption.keyring import Keyring
from zenith.encryption.sealed import from_text, to_text
from zenith.kernel.keys import Secret

if TYPE_CHECKING:
    from zenith.encryption.columns.types import EncryptedType

TEXT: Final = Context("text")
JSON: Final = Context("json")


class EncryptionService:
    """AES-256-GCM with keys that rotate, for values in databases, caches and files.

    Threat: a stolen database, backup or log that yields what must be read again (ASVS 11.3.2,
    14.2.4), and a writer to the database who changes or moves values (ASVS 11.3.3).

    `master_key` is a secret of at least 256 bits, or a keyring. `previous` secrets only decrypt.
    `fernet_keys` open what the guide's service made (`guide_fernet_key`); nothing new is made so.
    Raises ConfigurationError for weak keys. Safe to share between threads and tasks; a call takes
    microseconds and does no I/O.
    """

    def __init__(
        self,
        master_key: str | Secret | Keyring,
        *,
        previous: Sequence[str | Secret] = (),
        fernet_keys: Sequence[str | Secret] = (),
    ) -> None:
        if isinstance(master_key, Keyring):
            ring = master_key
        else:
            ring = Keyring.from_secret(secret_of(master_key))
        for each in previous:
            ring.add(DataKey.derived(secret_of(each)))
        self._cipher: Final = Cipher(ring)
        self._fernet: Final = FernetValues(fernet_keys) if fernet_keys else None

    @property
    def keyring(self) -> Keyring:
        """The keys; rotate them there."""
        return self._cipher.keyring

    def column_type(self, kind: Any) -> EncryptedType | None:
        """The type of a column for values of `kind`; None where there is none. Models that name
        this service as their `__encryption__` ask it for each sensitive field.
        """
        # SQLAlchemy is slow to import: who has no columns does not wait for it.
        from zenith.encryption.columns.choice import column_type  # noqa: PLC0415

        return column_type(self, kind)

    def encrypt(self, data: str, *, context: str | None = None) -> str:
        """Encrypt text. It opens with the same `context` only, such as `invoice/42`.

        Raises ValueError for more than 16 MiB.
        """
        aad = TEXT.alone if context is None else TEXT.encode("", context)
        return to_text(self._cipher.seal(utf8(data), aad))

    def decrypt(self, encrypted_data: str, *, context: str | None = None) -> str:
        """The text that `encrypt` was given; raises DecryptionError for all else."""
        return text_of(self.open_text(encrypted_data, TEXT, row=context))

    def encrypt_field(self, value: Any, *, context: str | None = None) -> str:
        """Encrypt anything that JSON can say; raises ValueError or TypeError for what it cannot."""
        return self.seal_text(to_json(value), JSON, row=context)

    def decrypt_field(self, encrypted_value: str, *, context: str | None = None) -> Any:
        """The value that `encrypt_field` was given; raises DecryptionError for all else."""
        return from_json(self.open_text(encrypted_value, JSON, row=context))

    def seal(self, plain: bytes, context: Context, *, row: str | None = None) -> bytes:
        """Encrypt bytes for a place, in the binary form."""
        return self._cipher.seal(plain, context.encode("", row))

    def open(self, sealed: bytes, context: Context, *, row: str | None = None) -> bytes:
        """What `seal` was given for this place; raises DecryptionError for all else."""
        return self._cipher.open(sealed, context.encode("", row))

    def seal_text(
        self, plain: bytes, context: Context, *, tag: str = "", row: str | None = None
    ) -> str:
        """Encrypt bytes for a place, in the text form behind `tag`, to which they are bound too."""
        return to_text(self._cipher.seal(plain, context.encode(tag, row)), tag)

    def open_text(self, value: str, context: Context, *, row: str | None = None) -> bytes:
        """What `seal_text` was given for this place, whatever tag it has, or a Fernet token where
        its key is known; raises DecryptionError for all else.
        """
        if self._fernet is not None and value.startswith(MARK) and "." not in value:
            return self._fernet.open(value)
        tag, sealed = from_text(value)
        return self._cipher.open(sealed, context.encode(tag, row))

    def is_current(self, value: str | bytes) -> bool:
        """Whether the active key made this value, judged by its form and key id only."""
        if isinstance(value, str):
            try:
                value = from_text(value)[1]
            except DecryptionError:
                return False
        return self._cipher.is_current(value)

    def reencrypt(
        self, value: str, context: Context, *, tag: str = "", row: str | None = None
    ) -> str:
        """The same plaintext under the active key and behind `tag`; Fernet tokens become values of
        today. Raises DecryptionError if it does not open.
        """
        return self.seal_text(self.open_text(value, context, row=row), context, tag=tag, row=row)

    def __repr__(self) -> str:
        return f"EncryptionService({self.keyring!r})"

    def __deepcopy__(self, memo: object) -> Self:
        # Models that inherit copy their columns: the service of both is one.
        return self

    def __reduce__(self) -> str:
        raise TypeError("an EncryptionService cannot be pickled")


def secret_of(key: str | Secret) -> Secret:
    """A key that hides itself."""
    return key if isinstance(key, Secret) else Secret(key)


def utf8(text: str) -> bytes:
    """Text as it is encrypted; raises ValueError, without the text, for lone surrogates."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not Unicode") from None


def text_of(data: bytes) -> str:
    """The text that `utf8` was given; raises DecryptionError for other bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise DecryptionError from None


def to_json(value: object) -> bytes:
    """JSON (RFC 8259), so without NaN and infinity."""
    return utf8(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def from_json(data: bytes) -> Any:
    """The value; raises DecryptionError for what is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise DecryptionError from None
