"""Verification of signed tokens."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jwt as jose
from joserfc.jwk import OctKey

from benchmarks.apps.shop import SECRET, get_with_token
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave
from zenith.authentication import AuthenticationGuard, RevocationList
from zenith.kernel.keys import Secret
from zenith.pipeline import Exchange
from zenith.stores.memory import MemoryRevocationStore
from zenith.tokens import BearerScheme, KeyRing, TokenManager, generate_key

TITLE = "Tokens (CPU time of one verification with all claims)"
ROUNDS = 60
MESSAGE = b"x" * 300
"""About as long as what a token signs."""
AUDIENCE = ISSUER = "zenith"


def _claims(number: int) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "account-0",
        "iat": now,
        "exp": now + 900,
        "jti": f"token-{number:017}",
        "type": "access",
        "roles": ["user"],
    }


class _Numbers:
    """Makes every token another one."""

    def __init__(self) -> None:
        self._last = 0

    def tokens(self, count: int) -> list[str]:
        first, self._last = self._last, self._last + count
        return [
            jwt.encode(_claims(number), SECRET, algorithm="HS256")
            for number in range(first, self._last)
        ]


async def _each(verify: Any, tokens: list[str]) -> None:
    for token in tokens:
        verify(token)


def _ours(manager: TokenManager) -> Batch:
    def run(count: int) -> Awaitable[None]:
        return _each(manager.verify, [manager.issue_access("account-0") for _ in range(count)])

    return run


def _joserfc(numbers: _Numbers) -> Batch:
    key = OctKey.import_key(SECRET)
    registry = jose.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        type={"essential": True, "value": "access"},
    )

    def verify(token: str) -> None:
        registry.validate(jose.decode(token, key, algorithms=["HS256"]).claims)

    return lambda count: _each(verify, numbers.tokens(count))


def _pyjwt(numbers: _Numbers) -> Batch:
    def verify(token: str) -> None:
        jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER)

    return lambda count: _each(verify, numbers.tokens(count))


def _again(manager: TokenManager) -> Batch:
    revocations = RevocationList(MemoryRevocationStore())
    guard = AuthenticationGuard([BearerScheme(manager, revocations)])
    call = get_with_token(manager.issue_access("account-0"))

    async def receive() -> dict[str, Any]:
        return {}

    exchange = Exchange(call.scope(), receive)

    async def run(count: int) -> None:
        for _ in range(count):
            waiting = guard.on_request(exchange)
            if waiting is not None:
                await waiting

    return run


async def measure(options: Options) -> AsyncIterator[Row]:
    """HMAC at first sight and again, then what asymmetric verification adds to its primitive."""
    rounds = options.rounds(ROUNDS)
    manager, numbers = TokenManager(Secret(SECRET)), _Numbers()
    found = await interleave(
        {
            "zenith": _ours(manager),
            "joserfc": _joserfc(numbers),
            "PyJWT": _pyjwt(numbers),
            "again": _again(manager),
        },
        rounds=rounds,
    )
    for peer, budget in (("joserfc", Budget(value=0.25)), ("PyJWT", Budget(value=0.25))):
        ratio, spread = found.ratio("zenith", peer)
        yield Row(
            name="HS256, first sight",
            ours=found.of("zenith"),
            peer_name=peer,
            peer=found.of(peer),
            ratio=ratio,
            spread=spread,
            budget=budget,
        )
    ratio, spread = found.ratio("again", "joserfc")
    yield Row(
        name="HS256, again: a request's token to its principal",
        ours=found.of("again"),
        peer_name="joserfc",
        peer=found.of("joserfc"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=1.5, of="ours"),
    )
    for algorithm in ("ES256", "EdDSA"):
        yield await _against_primitive(algorithm, rounds)


async def _against_primitive(algorithm: str, rounds: int) -> Row:
    manager = TokenManager(keyring=KeyRing([generate_key(algorithm)]))
    primitive = PRIMITIVES[algorithm]()
    found = await interleave({"zenith": _ours(manager), "primitive": primitive}, rounds=rounds)
    ratio, spread = found.ratio("zenith", "primitive")
    return Row(
        name=f"{algorithm}, first sight",
        ours=found.of("zenith"),
        peer_name="the primitive alone",
        peer=found.of("primitive"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=1.15),
    )


def _messages(count: int) -> list[bytes]:
    """As many as there are tokens, each another one: what is verified again and again is cheaper,
    for the processor guesses right.
    """
    return [b"%020d" % number + MESSAGE for number in range(count)]


def _ecdsa() -> Batch:
    private = ec.generate_private_key(ec.SECP256R1())
    algorithm, public = ec.ECDSA(hashes.SHA256()), private.public_key()

    async def verify(signed: list[tuple[bytes, bytes]]) -> None:
        for signature, message in signed:
            public.verify(signature, message, algorithm)

    return lambda count: verify(
        [(private.sign(message, algorithm), message) for message in _messages(count)]
    )


def _ed25519() -> Batch:
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key()

    async def verify(signed: list[tuple[bytes, bytes]]) -> None:
        for signature, message in signed:
            public.verify(signature, message)

    return lambda count: verify([(private.sign(message), message) for message in _messages(count)])


PRIMITIVES = {"ES256": _ecdsa, "EdDSA": _ed25519}
