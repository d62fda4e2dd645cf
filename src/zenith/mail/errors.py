"""What can go wrong with a mail."""

from __future__ import annotations

from zenith.kernel.errors import ZenithError


class MailError(ZenithError):
    """A mail was not taken. `reason` holds no address and nothing that the server said, which may
    quote one; `lasting` says that another attempt would fail as well.
    """

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        self.reason = reason
        self.lasting = lasting
        super().__init__(reason)
