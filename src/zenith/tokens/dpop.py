"""Tokens that only the holder of a key can use (RFC 9449).

The threat: a token that is copied, from a log, a proxy or a page, is as good as the original. With
DPoP the client signs each request with a key that never leaves it, and the token names that key. A
proof is for one method, one address, one moment and, with `ath`, one token; it is taken once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from zenith.kernel.clock import CLOCK_MARGIN, Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, b64encode, derive
from zenith.kernel.records import dataclass
from zenith.pipeline import Exchange
from zenith.tokens import base64url
from zenith.tokens.errors import DpopError, DpopNonceError
from zenith.tokens.json_object import parse_object
from zenith.tokens.jwk import has_private_part, key_from_jwk, thumbprint
from zenith.tokens.jws import REFUSED_MEMBERS
from zenith.tokens.keys import Key
from zenith.tokens.store import ProofStore

PROOF_ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256")
DPOP_HEADER: Final = b"dpop"
PROOF_TYPE: Final = "dpop+jwt"
MAX_PROOF: Final = 4096
MAX_JTI: Final = 128
AHEAD: Final = 10.0
"""Seconds by which the client's clock may be ahead."""
NONCE_LIFETIME: Final = 300.0
NONCE_PURPOSE: Final = "tokens/dpop-nonce"
_HEX: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofRequest:
    """What a proof must be for."""

    method: str
    path: str
    """As it was sent: percent-encoded, without query."""
    proofs: Sequence[bytes]
    """The values of all DPoP headers; more or fewer than one are refused."""

    @classmethod
    def of(cls, exchange: Exchange) -> ProofRequest:
        """What a proof of the running request must be for."""
        scope = exchange.scope
        raw = scope.get("raw_path") or quote(exchange.path).encode("ascii")
        return cls(
            method=exchange.method,
            path=raw.partition(b"?")[0].decode("latin-1"),
            proofs=[value for name, value in scope["headers"] if name == DPOP_HEADER],
        )


class ProvenKey:
    """Under this type an exchange remembers the thumbprint of the key that proved itself."""


class DpopVerifier:
    """Judges proofs of possession, for tokens and for API keys alike.

    `origin` is what clients see (scheme, host and port), whatever proxies stand before the
    application. `window` is how old a proof may be, in seconds. With `use_nonce` a proof must carry
    a nonce of this server, five to ten minutes old at most, so that none can be made in advance
    (RFC 9449 section 8). `secrets` are the application's, the present one first.
    """

    def __init__(
        self,
        store: ProofStore,
        secrets: Sequence[Secret],
        *,
        origin: str,
        window: float = 60.0,
        use_nonce: bool = False,
        required: bool = False,
        clock: Clock = wall_clock,
    ) -> None:
        if not secrets:
            raise ConfigurationError("nonces have no secret", fix="pass the application's secret")
        if normal_uri(origin) is None:
            raise ConfigurationError(
                f"the origin `{origin}` is no address", fix="name it whole: https://example.org"
            )
        self._store: Final = store
        self._keys: Final = [derive(secret, NONCE_PURPOSE) for secret in secrets]
        self._origin: Final = origin.rstrip("/")
        self._window: Final = window
        self._use_nonce: Final = use_nonce
        self.required: Final = required
        """Whether tokens are issued to those only who prove a key."""
        self._clock: Final = clock

    @property
    def challenge(self) -> str:
        """What a 401 offers (RFC 9449 section 7.1)."""
        return f'DPoP algs="{" ".join(PROOF_ALGORITHMS)}"'

    async def verify(
        self, request: ProofRequest, *, credential: str | None = None, thumbprint: str | None = None
    ) -> str:
        """The thumbprint (RFC 7638) of the key that proved itself.

        `credential` is the token or API key that the proof must name in `ath`; None where there is
        none yet, as at sign-in. `thumbprint` is the key that must have made it, where one is
        expected. Raises DpopError for a proof that does not hold, DpopNonceError where it lacks
        this server's nonce, ServiceUnavailableError where it cannot be known whether it was used.
        """
        if len(request.proofs) != 1:
            raise DpopError("missing" if not request.proofs else "several")
        claims, found = _read(request.proofs[0])
        now = self._clock()
        self._check(claims, request, now)
        if credential is not None:
            _check_text(claims, "ath", ath_of(credential))
        if thumbprint is not None and not hmac.compare_digest(thumbprint, found):
            raise DpopError("another_key")
        if self._use_nonce and not self._is_nonce(claims.get("nonce"), now):
            raise DpopNonceError(self.nonce())
        # Last, so that only proofs that hold take room.
        digest = hashlib.sha256(f"{found}/{claims['jti']}".encode()).hexdigest()
        expires_at = claims["iat"] + self._window + AHEAD
        if not await self._store.claim(digest, now=now, expires_at=expires_at):
            raise DpopError("replayed")
        return found

    async def prove(self, exchange: Exchange, *, credential: str, thumbprint: str) -> None:
        """Judge the proof of the running request, for `credential` and by the key `thumbprint`,
        and remember the key (`proven_key`). Raises as `verify` does.
        """
        exchange.state[ProvenKey] = await self.verify(
            ProofRequest.of(exchange), credential=credential, thumbprint=thumbprint
        )

    def nonce(self) -> str:
        """The nonce that proofs must carry now."""
        return self._nonce_of(int(self._clock() // NONCE_LIFETIME), self._keys[0])

    async def prune(self) -> int:
        """Forget the proofs that have expired, also for clocks that are behind; how many it was."""
        return await self._store.prune(now=self._clock() - CLOCK_MARGIN)

    def _check(self, claims: Mapping[str, Any], request: ProofRequest, now: float) -> None:
        jti: Any = claims.get("jti")
        issued: Any = claims.get("iat")
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
            raise DpopError("jti")
        _check_text(claims, "htm", request.method)
        uri, own = claims.get("htu"), normal_uri(self._origin + request.path)
        if not isinstance(uri, str) or own is None or normal_uri(uri) != own:
            raise DpopError("htu")
        if type(issued) not in (int, float) or not now - self._window <= issued <= now + AHEAD:
            raise DpopError("iat")

    def _is_nonce(self, nonce: object, now: float) -> bool:
        if not isinstance(nonce, str) or not nonce.isascii():
            return False
        slot = int(now // NONCE_LIFETIME)
        known = [self._nonce_of(each, key) for key in self._keys for each in (slot, slot - 1)]
        return any(hmac.compare_digest(nonce, each) for each in known)

    def _nonce_of(self, slot: int, key: bytes) -> str:
        return b64encode(hmac.digest(key, str(slot).encode(), "sha256")[:18])


async def prove_key(exchange: Exchange) -> str | None:
    """The thumbprint of the key that the running request proves, where it carries a proof: what
    tokens that are issued now will be bound to. One proof serves the whole request: what the
    caller's credential was proven with counts here too, and is not asked about twice.

    Raises DpopError for a proof that does not hold, and where proofs are required and none came.
    """
    proven = proven_key(exchange)
    if proven is not None:
        return proven
    verifier = exchange.services.get(DpopVerifier)
    if verifier is None or (DPOP_HEADER not in exchange.headers and not verifier.required):
        return None
    found: str = await verifier.verify(ProofRequest.of(exchange))
    exchange.state[ProvenKey] = found
    return found


def proven_key(exchange: Exchange) -> str | None:
    """The thumbprint of the key that has proved itself in the running request, if one has."""
    return exchange.state.get(ProvenKey)


def ath_of(credential: str) -> str:
    """What names a credential in a proof: its SHA-256 (RFC 9449 section 4.2)."""
    return b64encode(hashlib.sha256(credential.encode("ascii", "replace")).digest())


def normal_uri(uri: str) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path as they compare (RFC 3986 sections 6.2.2 and 6.2.3).

    Query and fragment do not count (RFC 9449 section 4.3). None for what is no address.
    """
    try:
        parts = urlsplit(uri)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or not host or parts.username is not None:
        return None
    return scheme, host, port or _PORTS[scheme], _HEX.sub(_normal_octet, parts.path) or "/"


def _normal_octet(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _check_text(claims: Mapping[str, Any], name: str, expected: str) -> None:
    value = claims.get(name)
    if not isinstance(value, str) or not hmac.compare_digest(value.encode(), expected.encode()):
        raise DpopError(name)


def _read(proof: bytes) -> tuple[dict[str, Any], str]:
    """The claims and the key's thumbprint of a proof whose signature holds."""
    if len(proof) > MAX_PROOF:
        raise DpopError("oversized")
    try:
        head, body, signature = proof.split(b".")
        header, claims = (parse_object(base64url.decode(part)) for part in (head, body))
        raw = base64url.decode(signature)
    except ValueError as error:
        raise DpopError("malformed") from error
    key, name = _key_of(header)
    if not key.verify(head + b"." + body, raw):
        raise DpopError("bad_signature")
    return claims, name


def _key_of(header: Mapping[str, Any]) -> tuple[Key, str]:
    algorithm: Any = header.get("alg")
    jwk: Any = header.get("jwk")
    kind: object = jwk.__class__
    if header.get("typ") != PROOF_TYPE or kind is not dict:
        raise DpopError("bad_header")
    if "crit" in header or not (REFUSED_MEMBERS - {"jwk"}).isdisjoint(header):
        raise DpopError("bad_header")
    if not isinstance(algorithm, str) or algorithm not in PROOF_ALGORITHMS:
        raise DpopError("algorithm")
    if has_private_part(jwk):
        raise DpopError("private_key")
    allowed = {"EdDSA", "Ed25519"} if algorithm in ("EdDSA", "Ed25519") else {algorithm}
    try:
        # The id is the proof's own business; the thumbprint is what counts.
        named = {name: value for name, value in jwk.items() if name != "kid"}
        return key_from_jwk(named, algorithms=allowed), thumbprint(named)
    except ConfigurationError as error:
        raise DpopError("bad_key") from error
