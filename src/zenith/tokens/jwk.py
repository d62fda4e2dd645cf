"""Keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037): read strictly, written without secrets.

The threat: a key read in a way its owner did not mean. A symmetric key among public ones lets
anybody who knows the public ones forge (RFC 8725 section 2.1); a key for encryption must not
verify; short coordinates and points off the curve are attacks on the arithmetic.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import base64url
from zenith.tokens.keys import (
    ALGORITHMS,
    EC_CURVES,
    ED25519_NAMES,
    HMAC_HASHES,
    RSA_HASHES,
    EcKey,
    Ed25519Key,
    HmacKey,
    Key,
    RsaKey,
)

CURVE_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
ALGORITHM_CURVES: Final = {algorithm: curve for curve, algorithm in CURVE_ALGORITHMS.items()}
RSA_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi")


FAMILIES: Final[Mapping[str, Collection[str]]] = {"oct": HMAC_HASHES, "RSA": RSA_HASHES}
"""The kinds of keys whose form does not tell their algorithm."""
PRIVATE: Final = frozenset({"d", "k", "oth", "p", "q", "dp", "dq", "qi"})
MAX_OPERATIONS: Final = 2


def key_from_jwk(jwk: Mapping[str, Any], *, algorithms: Collection[str] | None = None) -> Key:
    """The key that `jwk` describes.

    Without `alg` an RSA key is for RS256, a symmetric one for HS256, others follow their curve;
    where `algorithms` are named, the key's must be one of them, and a key without `alg` is for the
    only one of them that fits its kind.
    Without `kid` the id is the thumbprint (RFC 7638) and tokens may name the key as they like.
    Raises ConfigurationError for what is malformed, weak, unsupported or not for signatures. No
    message shows a member's value but `kty`, `crv` and `alg`.
    """
    _check_use(jwk)
    readers = {"oct": _symmetric, "RSA": _rsa, "EC": _ec, "OKP": _okp}
    kind = _text(jwk, "kty")
    if kind not in readers:
        raise _broken(f"its kty `{kind}` is not supported")
    named = "kid" in jwk
    kid = _text(jwk, "kid") if named else thumbprint(jwk)
    algorithm = _text(jwk, "alg") if "alg" in jwk else _only_one(kind, algorithms)
    try:
        key = readers[kind](jwk, kid, algorithm, named)
    except ValueError as error:
        # From the primitives: a point off the curve, numbers that do not fit. Their text may
        # quote the value.
        raise _broken("its numbers do not make a valid key") from error
    if algorithms is not None and key.names.isdisjoint(algorithms):
        raise _broken(f"its algorithm {key.algorithm} is not among those that are allowed")
    return key


def is_ambiguous(jwk: Mapping[str, Any]) -> bool:
    """Whether only a guess could tell the key's algorithm."""
    return "alg" not in jwk and jwk.get("kty") in FAMILIES


def has_private_part(jwk: Mapping[str, Any]) -> bool:
    """Whether members are there that nobody but the owner may know."""
    return not PRIVATE.isdisjoint(jwk)


def is_foreign(jwk: Mapping[str, Any], algorithms: Collection[str] | None = None) -> bool:
    """Whether a key of another issuer is simply not for us (RFC 7517 section 5).

    That is a key for encryption, or of a kind, curve or algorithm that is not known here or not
    among `algorithms`. A known kind that is malformed or weak is not foreign: it is a fault.
    """
    kind, curve, algorithm = (jwk.get(name, "") for name in ("kty", "crv", "alg"))
    if not all(isinstance(value, str) for value in (kind, curve, algorithm)):
        return False
    wanted = ALGORITHMS if algorithms is None else algorithms
    if not _is_for_signatures(jwk) or (algorithm and algorithm not in wanted):
        return True
    if kind in FAMILIES:
        return not any(name in wanted for name in FAMILIES[kind])
    if kind == "EC":
        return CURVE_ALGORITHMS.get(curve) not in wanted
    return kind != "OKP" or curve != "Ed25519" or ED25519_NAMES.isdisjoint(wanted)


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    """Whether nothing says that it is for something else alone."""
    operations: Any = jwk.get("key_ops", ["verify"])
    kind: object = operations.__class__
    others = kind is list and not any(each in ("sign", "verify") for each in operations)
    return jwk.get("use", "sig") == "sig" and not (operations and others)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a key's required members (RFC 7638)."""
    required = {"oct": ("k",), "RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
    members = {name: _text(jwk, name) for name in (*required[_text(jwk, "kty")], "kty")}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url.encode(hashlib.sha256(canonical.encode()).digest()).decode()


def public_jwk(key: Key) -> dict[str, str] | None:
    """The public part of `key`; None for a symmetric key, which has none."""
    members: dict[str, str]
    if isinstance(key, RsaKey):
        rsa_numbers = key.public.public_numbers()
        members = {"kty": "RSA", "n": _number(rsa_numbers.n), "e": _number(rsa_numbers.e)}
    elif isinstance(key, EcKey):
        point = key.public.public_numbers()
        size = (point.curve.key_size + 7) // 8
        curve = ALGORITHM_CURVES[key.algorithm]
        members = {"kty": "EC", "crv": curve, "x": _number(point.x, size)}
        members["y"] = _number(point.y, size)
    elif isinstance(key, Ed25519Key):
        x = base64url.encode(key.public.public_bytes_raw()).decode()
        members = {"kty": "OKP", "crv": "Ed25519", "x": x}
    else:
        return None
    return {**members, "kid": key.kid, "use": "sig", "alg": key.algorithm}


def _symmetric(jwk: Mapping[str, Any], kid: str, algorithm: str | None, named: bool) -> Key:
    return HmacKey(_octets(jwk, "k"), kid=kid, algorithm=algorithm or "HS256", named=named)


def _rsa(jwk: Mapping[str, Any], kid: str, algorithm: str | None, named: bool) -> Key:
    numbers = rsa.RSAPublicNumbers(_integer(jwk, "e"), _integer(jwk, "n"))
    key: rsa.RSAPublicKey | rsa.RSAPrivateKey = numbers.public_key()
    # Checked as a public key first, so that the arithmetic of an absurd private one never runs.
    public = RsaKey(key, kid=kid, algorithm=algorithm or "RS256", named=named)
    if "d" not in jwk:
        return public
    if "oth" in jwk or any(name not in jwk for name in RSA_PRIVATE):
        raise _broken("its private part is not two primes with all of their factors")
    d, p, q, dmp1, dmq1, iqmp = (_integer(jwk, name) for name in RSA_PRIVATE)
    key = rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, numbers).private_key()
    return RsaKey(key, kid=kid, algorithm=public.algorithm, named=named)


def _ec(jwk: Mapping[str, Any], kid: str, algorithm: str | None, named: bool) -> Key:
    name = _text(jwk, "crv")
    if name not in CURVE_ALGORITHMS:
        raise _broken(f"its crv `{name}` is not supported")
    curve = EC_CURVES[CURVE_ALGORITHMS[name]][0]
    size = (curve.key_size + 7) // 8
    x, y = (_integer(jwk, member, size) for member in ("x", "y"))
    numbers = ec.EllipticCurvePublicNumbers(x, y, curve)
    key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey = numbers.public_key()
    if "d" in jwk:
        private = ec.EllipticCurvePrivateNumbers(_integer(jwk, "d", size), numbers)
        key = private.private_key()
    return EcKey(key, kid=kid, algorithm=algorithm or CURVE_ALGORITHMS[name], named=named)


def _okp(jwk: Mapping[str, Any], kid: str, algorithm: str | None, named: bool) -> Key:
    name = _text(jwk, "crv")
    if name != "Ed25519":
        raise _broken(f"its crv `{name}` is not supported")
    key: ed25519.Ed25519PublicKey | ed25519.Ed25519PrivateKey
    key = ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x"))
    if "d" in jwk:
        private = ed25519.Ed25519PrivateKey.from_private_bytes(_octets(jwk, "d"))
        if private.public_key() != key:
            raise _broken("its private and public parts do not belong together")
        key = private
    return Ed25519Key(key, kid=kid, algorithm=algorithm or "EdDSA", named=named)


def _only_one(kind: str, algorithms: Collection[str] | None) -> str | None:
    if algorithms is None or kind not in FAMILIES:
        return None
    fitting = [name for name in FAMILIES[kind] if name in algorithms]
    if len(fitting) != 1:
        raise _broken("its alg is missing, and not exactly one of those allowed would fit")
    return fitting[0]


def _check_use(jwk: Mapping[str, Any]) -> None:
    if "use" in jwk and jwk["use"] != "sig":
        raise _broken("its use is not sig")
    if "key_ops" not in jwk:
        return
    operations: Any = jwk["key_ops"]
    kind: object = operations.__class__
    if kind is not list or not 0 < len(operations) <= MAX_OPERATIONS:
        raise _broken("its key_ops are neither sign nor verify")
    if any(each not in ("sign", "verify") for each in operations):
        # Also next to `verify`: a key has one use (RFC 7517 section 4.3).
        raise _broken("its key_ops are for more than signatures")
    if operations[0] == operations[-1] and len(operations) > 1:
        raise _broken("its key_ops repeat themselves")
    if operations == ["sign"] and not has_private_part(jwk):
        raise _broken("its key_ops ask a public key to sign")


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise _broken(f"its {name} is missing or no string")
    return value


def _octets(jwk: Mapping[str, Any], name: str) -> bytes:
    return base64url.decode(_text(jwk, name).encode("ascii"))


def _integer(jwk: Mapping[str, Any], name: str, size: int | None = None) -> int:
    octets = _octets(jwk, name)
    if size is None and octets[:1] in (b"", b"\0"):
        # Numbers have one spelling too, without zeros in front (RFC 7518 section 2).
        raise _broken(f"its {name} is not written in its shortest form")
    if size is not None and len(octets) != size:
        raise _broken(f"its {name} has the wrong length")
    return int.from_bytes(octets, "big")


def _number(value: int, size: int | None = None) -> str:
    octets = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64url.encode(octets).decode()


def _broken(fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"a key of the set is refused: {fault}", fix="correct or remove that key"
    )
