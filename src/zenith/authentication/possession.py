"""What schemes whose credentials are bound to a key need from whoever judges proofs of it."""

from __future__ import annotations

import re
from typing import Final, Protocol

from zenith.pipeline.exchange import Exchange

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""32 octets in base64url, in the one spelling that leaves no bits over."""


class Possession(Protocol):
    """Judges that a caller holds a key (RFC 9449); `tokens` provides it.

    Threat: a credential that was copied. Who only has the copy cannot make a proof for the method,
    the address and the moment of his request, and a proof that he saw is taken once.
    """

    @property
    def challenge(self) -> str:
        """What a 401 offers (RFC 9449 section 7.1)."""
        ...

    async def prove(self, exchange: Exchange, *, credential: str, thumbprint: str) -> None:
        """Judge the proof of the running request: made with the key called `thumbprint`, for
        `credential`, and not seen before.

        Raises AuthenticationError for one that is missing or does not hold,
        ServiceUnavailableError where it cannot be known whether it was used.
        """
        ...


def is_thumbprint(text: str) -> bool:
    """Whether this names a key as RFC 7638 does: a SHA-256 in base64url."""
    return _THUMBPRINT.fullmatch(text) is not None
