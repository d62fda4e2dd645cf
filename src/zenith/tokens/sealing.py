"""Private keys at rest: encrypted, and bound to the place where they lie.

The threat: whoever reads the database, a backup of it or its logs signs tokens of his own; whoever
writes to it makes an old or foreign key the present one (ASVS 11.2.1, 13.3.1).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from secrets import token_bytes
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, derive
from zenith.tokens.keys import EC_CURVES, RSA_HASHES, EcKey, Ed25519Key, Key, RsaKey

PURPOSE: Final = "tokens/key-at-rest"
NONCE_BYTES: Final = 12


class KeySealer:
    """Encrypts private keys with AES-256-GCM under a key derived from the application's secret.

    `secrets` are the application's, the present one first; it alone seals, all of them open.
    """

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._ciphers: Final = [AESGCM(derive(secret, PURPOSE)) for secret in secrets]

    def seal(self, key: Key, *, generation: int) -> str:
        """`key` as text for the database. Raises ConfigurationError without a private part."""
        nonce = token_bytes(NONCE_BYTES)
        place = _place(key.kid, key.algorithm, generation)
        return b64encode(nonce + self._ciphers[0].encrypt(nonce, _to_der(key), place)).decode()

    def open(self, sealed: str, *, kid: str, algorithm: str, generation: int) -> Key:
        """The key in `sealed`.

        Raises ConfigurationError for what was sealed under another secret, for another place, or
        was changed.
        """
        raw = b64decode(sealed, validate=True)
        place = _place(kid, algorithm, generation)
        for cipher in self._ciphers:
            try:
                der = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place)
            except InvalidTag:
                continue
            return _from_der(der, kid, algorithm)
        raise ConfigurationError(
            f"the signing key `{kid}` cannot be decrypted",
            fix="list the former secret in ZENITH_PREVIOUS_SECRET_KEYS until its keys have gone",
        )


def _place(kid: str, algorithm: str, generation: int) -> bytes:
    return f"zenith/token-key/{generation}/{algorithm}/{kid}".encode()


def _to_der(key: Key) -> bytes:
    # As in `_from_der`: it brings all formats of keys along, and only rotated keys are kept.
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    if not isinstance(key, RsaKey | EcKey | Ed25519Key) or key.private is None:
        raise ConfigurationError(f"{key!r} has no private part to keep", fix="keep a private key")
    return key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _from_der(der: bytes, kid: str, algorithm: str) -> Key:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_der_private_key,
    )

    private = load_der_private_key(der, password=None)
    if isinstance(private, rsa.RSAPrivateKey) and algorithm in RSA_HASHES:
        return RsaKey(private, kid=kid, algorithm=algorithm)
    if isinstance(private, ec.EllipticCurvePrivateKey) and algorithm in EC_CURVES:
        return EcKey(private, kid=kid, algorithm=algorithm)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return Ed25519Key(private, kid=kid, algorithm=algorithm)
    raise ConfigurationError(
        f"the signing key `{kid}` is not for {algorithm}", fix="retire it and rotate"
    )
