"""What can be wrong with an event that an application records."""

from __future__ import annotations

from zenith.kernel.errors import ZenithError


class UnknownEventError(ZenithError, ValueError):
    """The event type or severity is none of the known ones; the message lists those."""
