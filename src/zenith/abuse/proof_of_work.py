"""Proof of work: an attempt that costs the one who makes it a moment of computing.

Threat: guessing from many addresses, where counting each for itself is not enough (ASVS 6.3.1).
The protocol is ALTCHA's first (challenge = SHA-256(salt + number), signed), so that its widget and
solvers for it work; see decision 0016. Nothing is stored when a challenge is made: it says itself
whom it is for and how long it holds. That it is used once, the store of attempts decides.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from zenith.kernel.keys import Secret, derive
from zenith.kernel.records import dataclass

ALGORITHM: Final = "SHA-256"
SALT_BYTES: Final = 16
MAX_PAYLOAD: Final = 2_048
"""Characters of a solution."""
MAX_NUMBER: Final = 1 << 40
_SALT: Final = re.compile(r"[0-9a-f]{32}\?expires=(\d{1,12})&for=([A-Za-z0-9_-]{1,64})&", re.ASCII)
"""The last `&` ends the salt: without it digits could move between salt and number, and one piece
of work would be many."""
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """What the client is asked; it goes out as it is."""

    challenge: str
    """Hex of SHA-256(salt + number)."""
    maxnumber: int
    """The number is between 0 and this."""
    salt: str
    signature: str

    def as_json(self) -> dict[str, object]:
        """As ALTCHA's clients read it."""
        return {
            "algorithm": ALGORITHM,
            "challenge": self.challenge,
            "maxnumber": self.maxnumber,
            "salt": self.salt,
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """Work that was done, to be spent once."""

    key: str
    """Names it in the store."""
    expires_at: float
    """Unix time until which the store must remember that it was spent."""


class ProofOfWork:
    """Makes challenges and checks solutions. The first secret signs, all of them verify."""

    def __init__(
        self, keys: Sequence[Secret], *, random_below: Callable[[int], int] = secrets.randbelow
    ) -> None:
        self._keys: Final = [derive(secret, "abuse/proof-of-work") for secret in keys]
        self._random_below: Final = random_below

    def issue(self, subject: str, *, now: float, lifetime: float, numbers: int) -> Challenge:
        """A challenge that only `subject` (up to 64 URL-safe characters) can use, for `lifetime`
        seconds; it takes `numbers` / 2 hashes on average.
        """
        salt = f"{secrets.token_hex(SALT_BYTES)}?expires={int(now + lifetime)}&for={subject}&"
        challenge = _digest(salt, self._random_below(numbers))
        signature = _sign(self._keys[0], challenge)
        return Challenge(challenge=challenge, maxnumber=numbers, salt=salt, signature=signature)

    def check(self, payload: str, subject: str, *, now: float) -> Proof | None:
        """The proof in a solution that is right, ours, for `subject` and in time; else None.

        `payload` is base64 of a JSON object with algorithm, challenge, number, salt and signature.
        """
        fields = _read(payload)
        if fields is None:
            return None
        challenge, number, salt, signature = fields
        match = _SALT.fullmatch(salt)
        if match is None or match[2] != subject or int(match[1]) <= now:
            return None
        is_ours = any(hmac.compare_digest(_sign(key, challenge), signature) for key in self._keys)
        if not is_ours or not hmac.compare_digest(_digest(salt, number), challenge):
            return None
        return Proof(f"proof:{challenge}", float(match[1]))


def solve(challenge: dict[str, Any]) -> str:
    """The solution of a challenge, for programs and tests. It computes, and so blocks, for up to
    `maxnumber` hashes. Raises ValueError if there is none.
    """
    prefix = hashlib.sha256(str(challenge["salt"]).encode())
    for number in range(int(challenge["maxnumber"]) + 1):
        attempt = prefix.copy()
        attempt.update(str(number).encode("ascii"))
        if attempt.hexdigest() == challenge["challenge"]:
            solution = {name: challenge[name] for name in ("algorithm", "challenge", "salt")}
            solution |= {"number": number, "signature": challenge["signature"]}
            return base64.b64encode(json.dumps(solution).encode()).decode("ascii")
    raise ValueError("no number solves this challenge")


def _read(payload: str) -> tuple[str, int, str, str] | None:
    if not 0 < len(payload) <= MAX_PAYLOAD:
        return None
    try:
        document: Any = json.loads(base64.b64decode(payload, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    fields = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    if fields.get("algorithm") != ALGORITHM:
        return None
    texts = [fields.get(name) for name in ("challenge", "salt", "signature")]
    challenge, salt, signature = (text if isinstance(text, str) else "" for text in texts)
    number = fields.get("number")
    if type(number) is not int or not 0 <= number <= MAX_NUMBER:
        return None
    if not _HEX.fullmatch(challenge) or not _HEX.fullmatch(signature):
        return None
    return challenge, number, salt, signature


def _digest(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _sign(key: bytes, challenge: str) -> str:
    return hmac.digest(key, challenge.encode("ascii"), "sha256").hex()
