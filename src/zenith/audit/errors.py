"""What can be wrong with an event that an application records."""

from __future__ import annotations

from zenith.kernel.errors import ZenithError


class UnknownEventError(ZenithError, ValueError):
    """The event type or severity is none of the known ones; the message lists those."""


class BrokenLogError(ZenithError):
    """The log is not as it was sealed: it must be looked at before anything is removed from it."""

    def __init__(self, stream: str, seal: int) -> None:
        super().__init__(f"the stream `{stream}` is not as it was sealed, at seal {seal}")
        self.stream = stream
        self.seal = seal


class LostReaderError(ZenithError):
    """A process that helps to read the log is gone, or could not be started."""
