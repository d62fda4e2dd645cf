"""Compact JWS and JWT: signed text, read strictly (RFC 7515, RFC 7519, RFC 8725).

The threats: a token that chooses its own algorithm or brings its own key (RFC 8725 section 2.1,
ASVS 9.1.2, 9.1.3), a public key taken for a shared secret, a token with two spellings or two
meanings, and input that costs the server more than the sender. So the key decides about the
algorithm, the ring decides about the key, the signature is checked before the payload is parsed,
and whatever is optional in the standard and not needed is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from zenith.kernel.clock import wall_clock
from zenith.tokens.base64url import decode, encode
from zenith.tokens.errors import TokenError
from zenith.tokens.json_object import parse_object
from zenith.tokens.keyring import KeyRing
from zenith.tokens.keys import MAX_KEY_ID, Key

Claims: TypeAlias = dict[str, Any]
Header: TypeAlias = dict[str, Any]

MAX_TOKEN: Final = 8192
"""Characters; what a header field may hold."""
MAX_HEADER: Final = 2048
REFUSED_MEMBERS: Final = frozenset({"b64", "jku", "jwk", "x5c", "x5u", "zip"})
"""Header members that bring keys along or change what was signed."""
_JSON_SPACE: Final = b" \t\r\n"


def verify_compact(
    token: str,
    keyring: KeyRing,
    *,
    algorithms: Collection[str],
    now: float | None = None,
) -> tuple[Header, Claims | bytes]:
    """Verify the signature of a compact JWS and return its header and payload.

    A payload that begins like a JSON object is read as one, strictly; any other is returned as the
    bytes that were signed. Claims such as `exp` are not looked at: `TokenManager` does that.
    `algorithms` is the allow-list of `alg` values, `now` the Unix time at which keys must be valid
    (the present if None). Raises TokenError for whatever does not hold.
    """
    header, payload, _ = verified(token, keyring, algorithms, now)
    if payload.lstrip(_JSON_SPACE)[:1] == b"{" or _is_jwt(header):
        return dict(header), _claims(payload)
    return dict(header), payload


def verify_claims(
    token: str,
    keyring: KeyRing,
    *,
    algorithms: Collection[str],
    now: float | None = None,
) -> tuple[Header, Claims]:
    """Verify the signature of a JWT, whose payload must be a JSON object (RFC 7519 section 7.2).

    As `verify_compact`, but a payload that is no JSON object raises TokenError.
    """
    header, payload, _ = verified(token, keyring, algorithms, now)
    return dict(header), _claims(payload)


def sign_compact(payload: Mapping[str, Any] | bytes, key: Key, *, typ: str | None = None) -> str:
    """A compact JWS of `payload` under `key`; `typ` goes into the header (RFC 8725 3.11).

    Raises ConfigurationError if the key has no private part, ValueError for claims that JSON
    cannot hold.
    """
    header = {"alg": key.algorithm, "kid": key.kid}
    if typ is not None:
        header["typ"] = typ
    body = payload if isinstance(payload, bytes) else _json(payload)
    message = encode(_json(header)) + b"." + encode(body)
    return (message + b"." + encode(key.sign(message))).decode("ascii")


def verified(
    token: str, keyring: KeyRing, algorithms: Collection[str], now: float | None
) -> tuple[Header, bytes, Key]:
    """The header, the signed bytes and the key of a token whose signature holds.

    The header may be shared with other tokens: read it, do not change it.
    """
    if algorithms.__class__ is str:
        raise TypeError("algorithms must be a collection of names, not one string")
    if len(token) > MAX_TOKEN:
        raise TokenError("oversized")
    try:
        data = token.encode("ascii")
        head, body, signature = data.split(b".")
    except ValueError as error:
        raise TokenError("malformed") from error
    if not signature:
        raise TokenError("bad_encoding")
    known = keyring.known_headers.get(head)
    header, key = known or _read_header(head, keyring)
    if header["alg"] not in algorithms:
        raise TokenError("algorithm_refused")
    if not key.not_before <= (wall_clock() if now is None else now) < key.not_after:
        raise TokenError("key_not_valid")
    try:
        raw, payload = decode(signature), decode(body)
    except ValueError as error:
        raise TokenError("bad_encoding") from error
    if not key.verify(data[: -len(signature) - 1], raw):
        raise TokenError("bad_signature")
    if known is None and all(isinstance(value, str) for value in header.values()):
        keyring.remember_header(head, header, key)
    return header, payload, key


def _read_header(segment: bytes, keyring: KeyRing) -> tuple[Header, Key]:
    if len(segment) > MAX_HEADER:
        raise TokenError("oversized")
    try:
        raw = decode(segment)
    except ValueError as error:
        raise TokenError("bad_encoding") from error
    try:
        header = parse_object(raw)
    except ValueError as error:
        raise TokenError("bad_json") from error
    _check_header(header)
    key = keyring.find(header.get("kid"))
    if key is None:
        raise TokenError("unknown_key")
    if header["alg"] not in key.names:
        raise TokenError("algorithm_refused")
    return header, key


def _check_header(header: Header) -> None:
    if "crit" in header:
        # Nothing critical is understood here, and an empty list is malformed (RFC 7515 4.1.11).
        raise TokenError("critical_extension")
    if not REFUSED_MEMBERS.isdisjoint(header) or "alg" not in header:
        raise TokenError("bad_header")
    if not all(isinstance(header.get(name, ""), str) for name in ("alg", "kid", "typ", "cty")):
        raise TokenError("bad_header")
    if len(header.get("kid", "")) > MAX_KEY_ID:
        raise TokenError("bad_header")


def _is_jwt(header: Header) -> bool:
    typ = str(header.get("typ", "")).lower()
    return typ == "jwt" or typ.endswith("+jwt")


def _claims(payload: bytes) -> Claims:
    try:
        return parse_object(payload)
    except ValueError as error:
        raise TokenError("not_claims") from error


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
