"""Keys that sign and verify. Each has one algorithm and is used with no other (RFC 8725 3.1)."""

from __future__ import annotations

import math
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hmac import HMAC

from zenith.kernel.errors import ConfigurationError
from zenith.tokens.weak_keys import is_factored, is_small_order

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_RSA_EXPONENT: Final = 65_537
MAX_RSA_EXPONENT: Final = 2**33
MAX_KEY_ID: Final = 256
ED25519_SIGNATURE: Final = 64
SIGN: Final = 0x80
"""The bit that makes a number of DER negative, and a length of DER a long one."""
T = TypeVar("T")

HMAC_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "HS256": hashes.SHA256(),
    "HS384": hashes.SHA384(),
    "HS512": hashes.SHA512(),
}
RSA_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
    "PS256": hashes.SHA256(),
    "PS384": hashes.SHA384(),
    "PS512": hashes.SHA512(),
}
EC_CURVES: Final[dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    "ES256": (ec.SECP256R1(), hashes.SHA256()),
    "ES384": (ec.SECP384R1(), hashes.SHA384()),
    "ES512": (ec.SECP521R1(), hashes.SHA512()),
}
ED25519_NAMES: Final = frozenset({"EdDSA", "Ed25519"})
"""RFC 8037 named the family, RFC 9864 the very algorithm; both mean Ed25519 here."""
ALGORITHMS: Final = frozenset({*HMAC_HASHES, *RSA_HASHES, *EC_CURVES, *ED25519_NAMES})
"""All that can be verified. `none` and encryption are not among them and cannot be added."""


class Key(ABC):
    """A key with its id, its one algorithm and the time in which it verifies.

    Immutable. A repr shows the id and the algorithm only.
    """

    symmetric: bool = False

    def __init__(self, kid: str, algorithm: str, *, named: bool = True) -> None:
        if not kid or len(kid) > MAX_KEY_ID or not kid.isprintable():
            raise ConfigurationError(
                "a key id is empty, unprintable or longer than 256 characters",
                fix="give each key a short `kid`",
            )
        self.kid = kid
        self.algorithm = algorithm
        self.named = named
        """False where the key came without an id of its own: then tokens may call it anything."""
        self.names: frozenset[str] = frozenset({algorithm})
        """The values of a token's `alg` that mean this key's algorithm."""
        self.not_before = -math.inf
        self.not_after = math.inf
        """Unix seconds between which signatures are accepted: [not_before, not_after)."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kid={self.kid!r}, algorithm={self.algorithm!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key cannot be pickled")

    def within(self, not_before: float, not_after: float) -> Self:
        """A copy of this key that verifies only in [not_before, not_after), Unix seconds."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.not_before = not_before
        other.not_after = not_after
        return other

    @property
    @abstractmethod
    def can_sign(self) -> bool:
        """Whether the private part is here."""

    @abstractmethod
    def sign(self, message: bytes) -> bytes:
        """The raw signature of `message`; ConfigurationError without a private part."""

    @abstractmethod
    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the raw `signature` holds for `message`."""


class HmacKey(Key):
    """A secret shared by whoever issues and verifies (RFC 7518 section 3.2)."""

    symmetric = True

    def __init__(
        self, secret: bytes, *, kid: str, algorithm: str = "HS256", named: bool = True
    ) -> None:
        super().__init__(kid, algorithm, named=named)
        algorithm_hash = _entry(HMAC_HASHES, algorithm)
        size = algorithm_hash.digest_size
        if len(secret) < size:
            raise ConfigurationError(
                f"a key for {algorithm} is shorter than {size * 8} bits",
                fix=f"use at least {size} random bytes",
            )
        # The key is absorbed once; each signature continues from a copy of that state.
        self._keyed: Final = HMAC(secret, algorithm_hash)

    @property
    def can_sign(self) -> bool:
        return True

    def sign(self, message: bytes) -> bytes:
        state = self._keyed.copy()
        state.update(message)
        return state.finalize()

    def verify(self, message: bytes, signature: bytes) -> bool:
        state = self._keyed.copy()
        state.update(message)
        return compare_digest(state.finalize(), signature)


class RsaKey(Key):
    """RSA with PKCS #1 v1.5 or PSS (RFC 7518 sections 3.3 and 3.5), 2048 to 8192 bits."""

    def __init__(
        self,
        key: rsa.RSAPublicKey | rsa.RSAPrivateKey,
        *,
        kid: str,
        algorithm: str = "RS256",
        named: bool = True,
    ) -> None:
        super().__init__(kid, algorithm, named=named)
        self._hash: Final = _entry(RSA_HASHES, algorithm)
        self._padding: Final = (
            padding.PKCS1v15()
            if algorithm.startswith("RS")
            else padding.PSS(padding.MGF1(self._hash), self._hash.digest_size)
        )
        self.private: Final = key if isinstance(key, rsa.RSAPrivateKey) else None
        self.public: Final = key.public_key() if isinstance(key, rsa.RSAPrivateKey) else key
        self._size: Final = (self.public.key_size + 7) // 8
        if not MIN_RSA_BITS <= self.public.key_size <= MAX_RSA_BITS:
            raise ConfigurationError(
                f"an RSA key has {self.public.key_size} bits",
                fix=f"use {MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
            )
        if is_factored(self.public.public_numbers().n):
            raise ConfigurationError(
                "an RSA key can be factored: its generator was faulty (CVE-2017-15361)",
                fix="make another key",
            )
        if not MIN_RSA_EXPONENT <= self.public.public_numbers().e <= MAX_RSA_EXPONENT:
            raise ConfigurationError(
                "an RSA key has an unusual public exponent", fix="use a key with exponent 65537"
            )

    @property
    def can_sign(self) -> bool:
        return self.private is not None

    def sign(self, message: bytes) -> bytes:
        if self.private is None:
            raise _no_private_part(self)
        return self.private.sign(message, self._padding, self._hash)

    def verify(self, message: bytes, signature: bytes) -> bool:
        if len(signature) != self._size:
            return False
        try:
            self.public.verify(signature, message, self._padding, self._hash)
        except InvalidSignature:
            return False
        return True


class EcKey(Key):
    """ECDSA on a NIST curve; signatures are r and s, each as long as the order (RFC 7518 3.4)."""

    def __init__(
        self,
        key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey,
        *,
        kid: str,
        algorithm: str = "ES256",
        named: bool = True,
    ) -> None:
        super().__init__(kid, algorithm, named=named)
        curve, digest = _entry(EC_CURVES, algorithm)
        if key.curve.name != curve.name:
            raise ConfigurationError(
                f"a key for {algorithm} is not on the curve {curve.name}",
                fix="let algorithm and curve agree",
            )
        self.private: Final = key if isinstance(key, ec.EllipticCurvePrivateKey) else None
        self.public: Final = (
            key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
        )
        self._ecdsa: Final = ec.ECDSA(digest)
        self._size: Final = (curve.key_size + 7) // 8
        # As numbers of the same length compare, so do their bytes.
        self._order: Final = curve.group_order.to_bytes(self._size, "big")
        self._zero: Final = bytes(self._size)

    @property
    def can_sign(self) -> bool:
        return self.private is not None

    def sign(self, message: bytes) -> bytes:
        if self.private is None:
            raise _no_private_part(self)
        r, s = decode_dss_signature(self.private.sign(message, self._ecdsa))
        return r.to_bytes(self._size, "big") + s.to_bytes(self._size, "big")

    def verify(self, message: bytes, signature: bytes) -> bool:
        size = self._size
        if len(signature) != 2 * size:
            return False
        r, s = signature[:size], signature[size:]
        # r = s = 0 once verified anything in a widely used run-time.
        if not (self._zero < r < self._order and self._zero < s < self._order):
            return False
        try:
            self.public.verify(_der(r, s), message, self._ecdsa)
        except InvalidSignature:
            return False
        return True


class Ed25519Key(Key):
    """EdDSA on Curve25519 (RFC 8037): short keys, no randomness needed to sign."""

    def __init__(
        self,
        key: ed25519.Ed25519PublicKey | ed25519.Ed25519PrivateKey,
        *,
        kid: str,
        algorithm: str = "EdDSA",
        named: bool = True,
    ) -> None:
        super().__init__(kid, algorithm, named=named)
        if algorithm not in ED25519_NAMES:
            raise _unsupported(algorithm)
        self.names = ED25519_NAMES
        self.private: Final = key if isinstance(key, ed25519.Ed25519PrivateKey) else None
        self.public: Final = key.public_key() if isinstance(key, ed25519.Ed25519PrivateKey) else key
        if is_small_order(self.public.public_bytes_raw()):
            raise ConfigurationError(
                "an Ed25519 key is a point for which anybody can sign", fix="make another key"
            )

    @property
    def can_sign(self) -> bool:
        return self.private is not None

    def sign(self, message: bytes) -> bytes:
        if self.private is None:
            raise _no_private_part(self)
        return self.private.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        if len(signature) != ED25519_SIGNATURE:
            return False
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def generate_key(algorithm: str, *, kid: str | None = None) -> Key:
    """A fresh random key for `algorithm`, for scheduled rotation; `kid` is random if not given.

    RSA keys have 3072 bits: 128-bit strength (NIST SP 800-57).
    """
    kid = kid or secrets.token_urlsafe(12)
    if algorithm in HMAC_HASHES:
        size = HMAC_HASHES[algorithm].digest_size
        return HmacKey(secrets.token_bytes(size), kid=kid, algorithm=algorithm)
    if algorithm in RSA_HASHES:
        private = rsa.generate_private_key(MIN_RSA_EXPONENT, 3072)
        return RsaKey(private, kid=kid, algorithm=algorithm)
    if algorithm in EC_CURVES:
        curve = EC_CURVES[algorithm][0]
        return EcKey(ec.generate_private_key(curve), kid=kid, algorithm=algorithm)
    return Ed25519Key(ed25519.Ed25519PrivateKey.generate(), kid=kid, algorithm=algorithm)


def _der(r: bytes, s: bytes) -> bytes:
    """Two positive numbers as the primitive reads them (X.690; RFC 3279 section 2.2.3).

    By hand, for the library's own function takes four times as long, by way of Python's integers.
    """
    r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
    first = b"\x02%c\0%b" % (len(r) + 1, r) if r[0] & SIGN else b"\x02%c%b" % (len(r), r)
    second = b"\x02%c\0%b" % (len(s) + 1, s) if s[0] & SIGN else b"\x02%c%b" % (len(s), s)
    size = len(first) + len(second)
    return b"\x30%b%c%b%b" % (b"\x81" if size >= SIGN else b"", size, first, second)


def _entry(table: Mapping[str, T], algorithm: str) -> T:
    if algorithm not in table:
        raise _unsupported(algorithm)
    return table[algorithm]


def _unsupported(algorithm: str) -> ConfigurationError:
    return ConfigurationError(
        f"`{algorithm}` is no algorithm for this kind of key",
        fix=f"use one of {', '.join(sorted(ALGORITHMS))}",
    )


def _no_private_part(key: Key) -> ConfigurationError:
    return ConfigurationError(
        f"{key!r} has no private part and cannot sign", fix="sign with a private key"
    )
