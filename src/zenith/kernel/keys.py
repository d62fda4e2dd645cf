"""Secrets: their strength, their derivation, their digests. Primitives come from `cryptography`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zenith.kernel.errors import ConfigurationError

MIN_KEY_BYTES: Final = 32
MIN_DISTINCT_CHARACTERS: Final = 16
PLACEHOLDERS: Final = (
    "change",
    "changeme",
    "default",
    "dev-secret",
    "example",
    "insecure",
    "password",
    "placeholder",
    "secret-key",
    "test-key",
    "your-key",
    "your-secret",
)
GENERATE: Final = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", bound=str, default=str)
else:
    from typing import TypeVar

    T = TypeVar("T", bound=str)


class Secret(Generic[T]):
    """A value that never shows itself: not in reprs, logs, tracebacks or settings reports.

    `Secret[str]` is also the type of a Pydantic field: text comes in as a `Secret`, and leaves as
    stars, whoever dumps the model.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How Pydantic reads and writes it: text with its constraints in, stars out."""
        from pydantic_core import core_schema  # noqa: PLC0415  # who has no models needs none

        del source

        def read(value: Any, inner: Callable[[Any], str]) -> Secret[str]:
            return cast("Secret[str]", value) if isinstance(value, cls) else Secret(inner(value))

        return core_schema.no_info_wrap_validator_function(
            read,
            handler(str),
            serialization=core_schema.plain_serializer_function_ser_schema(_stars, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        """As OpenAPI describes a password."""
        return {**handler(schema), "format": "password", "writeOnly": True}


def _stars(secret: object, info: Any) -> object:
    """Code that dumps a model for itself keeps the Secret."""
    return secret if info.mode == "python" else "***"


def check_strength(secret: Secret, *, setting: str) -> None:
    """Refuse a key that can be guessed (ASVS 11.2.3, 13.3.1).

    `setting` names the variable in the message; the value itself is never shown.
    Raises ConfigurationError for less than 256 bits, fewer than 16 distinct characters, or text
    that looks like a placeholder from a tutorial.
    """
    value = secret.reveal()
    fix = f"set {setting} to the output of: {GENERATE}"
    if len(value.encode()) < MIN_KEY_BYTES:
        raise ConfigurationError(f"{setting} is shorter than 256 bits (32 bytes)", fix=fix)
    if len(set(value)) < MIN_DISTINCT_CHARACTERS:
        raise ConfigurationError(
            f"{setting} has fewer than {MIN_DISTINCT_CHARACTERS} distinct characters", fix=fix
        )
    lowered = value.lower()
    if any(word in lowered for word in PLACEHOLDERS):
        raise ConfigurationError(f"{setting} looks like a placeholder", fix=fix)


def derive(secret: Secret, purpose: str, length: int = 32) -> bytes:
    """A key for one purpose (RFC 5869), so that no key ever serves two uses (ASVS 11.2.4)."""
    kdf = HKDF(
        algorithm=hashes.SHA256(), length=length, salt=None, info=b"zenith/" + purpose.encode()
    )
    return kdf.derive(secret.reveal().encode())


def new_token(size: int = 32) -> str:
    """A random, URL-safe bearer value of `size` bytes from the operating system's generator."""
    return secrets.token_urlsafe(size)


def new_id() -> str:
    """A random identifier that is no secret: 128 bits in hex."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """What is stored instead of a random bearer token: SHA-256 in hex.

    A plain hash is enough only because the token itself has 256 random bits (ASVS 6.5.2).
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def sign(key: bytes, message: str) -> str:
    """HMAC-SHA256, URL-safe without padding."""
    return b64encode(hmac.digest(key, message.encode("utf-8", "surrogatepass"), "sha256"))


def equal(left: str, right: str) -> bool:
    """Compare without telling through time where two values differ."""
    return hmac.compare_digest(
        left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass")
    )


def b64encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
