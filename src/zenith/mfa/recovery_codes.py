"""Recovery codes: for who has lost every other factor."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

COUNT: Final = 10
GROUPS: Final = 5
GROUP: Final = 5
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: no letter that looks like a digit."""
_LOOKALIKES: Final = str.maketrans("ilo", "110", " -")


def new_codes() -> tuple[str, ...]:
    """Ten codes of 125 random bits each (ASVS 6.5.2 asks for 112 where they are hashed plainly)."""
    return tuple(_new_code() for _ in range(COUNT))


def code_digest(account_id: str, code: str) -> str:
    """What is stored instead: SHA-256 over account and code, as typed in either case."""
    plain = code[: 4 * GROUPS * GROUP].lower().translate(_LOOKALIKES)
    text = f"zenith/recovery-code\n{account_id}\n{plain}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _new_code() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
