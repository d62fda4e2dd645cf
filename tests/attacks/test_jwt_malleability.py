"""One token, many spellings: a revoked or spent token passes as another one.

Lenient base64 ignores padding, white space, foreign characters and unused bits; lenient JSON takes
the first or the last of two members. Whatever compares or stores tokens as text is then passed by,
and two programs read different claims in one token (RFC 8725 section 2.4).
"""

from __future__ import annotations

import pytest

from tests.tokens.fakes import manager
from zenith.tokens import ALGORITHMS, HmacKey, KeyRing, TokenError, sign_compact, verify_compact
from zenith.tokens.base64url import ALPHABET

KEY = HmacKey(b"k" * 32, kid="k")
RING = KeyRing([KEY])
TOKEN = sign_compact({"sub": "someone", "n": 12}, KEY)
HEAD, BODY, SIGNATURE = TOKEN.split(".")


def refused(token: str) -> None:
    with pytest.raises(TokenError):
        verify_compact(token, RING, algorithms=ALGORITHMS)


def test_the_token_itself_holds() -> None:
    verify_compact(TOKEN, RING, algorithms=ALGORITHMS)


@pytest.mark.parametrize("extra", ["=", "==", " ", "\n", "\t", "\r\n", "\0", "?", "#", "%3D", "."])
def test_additions_anywhere(extra: str) -> None:
    for token in (
        extra + TOKEN,
        TOKEN + extra,
        f"{HEAD}{extra}.{BODY}.{SIGNATURE}",
        f"{HEAD}.{extra}{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}{extra}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{extra}{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE[:5]}{extra}{SIGNATURE[5:]}",
    ):
        refused(token)


def test_unused_bits_of_every_part() -> None:
    for parts in ((HEAD, BODY, SIGNATURE),):
        for index, part in enumerate(parts):
            for last in ALPHABET.decode():
                if last != part[-1]:
                    changed = [*parts]
                    changed[index] = part[:-1] + last
                    refused(".".join(changed))


def test_the_other_alphabet() -> None:
    for number in range(200):
        token = sign_compact({"n": number}, KEY)
        if "-" in token or "_" in token:
            refused(token.replace("-", "+").replace("_", "/"))


def test_every_single_character_matters() -> None:
    for index, character in enumerate(TOKEN):
        other = "A" if character != "A" else "B"
        refused(TOKEN[:index] + other + TOKEN[index + 1 :])
        refused(TOKEN[:index] + TOKEN[index + 1 :])
        refused(TOKEN[:index] + character.swapcase() + TOKEN[index:])


def test_parts_of_two_tokens_do_not_join() -> None:
    tokens = manager()
    one, two = (tokens.issue_access(name).split(".") for name in ("one", "two"))
    for mixed in ((one[0], two[1], one[2]), (one[0], one[1], two[2])):
        with pytest.raises(TokenError):
            tokens.verify(".".join(mixed))
