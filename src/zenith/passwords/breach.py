"""Was this password in a breach? Asked so that the answering service learns next to nothing.

Only the first five hex digits of the password's SHA-1 leave the process (k-anonymity: each prefix
stands for hundreds of passwords), and the service may pad its answer with entries of count zero so
that its size tells nothing either. SHA-1 is what that interface speaks; it protects nothing here.
Source: ASVS 6.2.12; the range interface of Have I Been Pwned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

from zenith.kernel.records import dataclass
from zenith.passwords.encoding import normalize

PREFIX_LENGTH: Final = 5
SUFFIX_LENGTH: Final = 35
_HEX: Final = frozenset("0123456789ABCDEF")


class BreachChecker(Protocol):
    """Counts how often a password was seen in breaches."""

    async def count(self, password: str) -> int | None:
        """Times seen, zero for never, None when the service could not be asked."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class BreachQuery:
    """One question to a range service: what is sent and what is looked for in the answer."""

    prefix: str
    """Sent: five upper-case hex digits."""

    suffix: str
    """Never sent: the other 35."""

    @classmethod
    def of(cls, password: str) -> BreachQuery:
        """The question for a password."""
        text = normalize(password).encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().upper()
        return cls(digest[:PREFIX_LENGTH], digest[PREFIX_LENGTH:])

    def count_in(self, answer: str) -> int:
        """How often the answer's lines `SUFFIX:COUNT` say the password was seen.

        Padding has count zero and so counts as not seen; malformed lines are passed over.
        """
        return read_range(answer).get(self.suffix, 0)


def read_range(answer: str) -> Mapping[str, int]:
    """Suffixes and counts of an answer, padding included; malformed lines are passed over. Where a
    suffix stands twice the first counts.
    """
    found: dict[str, int] = {}
    for line in answer.splitlines():
        suffix, _, count = line.strip().upper().partition(":")
        is_entry = len(suffix) == SUFFIX_LENGTH and _HEX.issuperset(suffix)
        if is_entry and count.isascii() and count.isdigit():
            found.setdefault(suffix, int(count[:12]))
    return found
