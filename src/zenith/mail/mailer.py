"""What flows need from whoever carries mail."""

from __future__ import annotations

from typing import Protocol

from zenith.mail.message import Mail


class Mailer(Protocol):
    """Carries mail. An implementation waits for a bounded time only."""

    async def send(self, mail: Mail) -> None:
        """Hand over one mail. Raises MailError if it was not taken."""
        ...
