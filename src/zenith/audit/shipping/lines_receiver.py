"""The file of JSON lines as a receiver of what the database has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from zenith.audit.json_lines import JsonLines
from zenith.audit.shipping.errors import DeliveryError
from zenith.kernel.events import Event


class LinesReceiver:
    """Appends to the file in a thread, and again later while it cannot be written.

    Threat: a disk that is full or hangs, and with it every request that leaves a record, or lines
    that are missing once there is room again (ASVS 16.4.3).
    """

    def __init__(self, lines: JsonLines) -> None:
        self._lines: Final = lines

    @property
    def name(self) -> str:
        """The setting that names the file."""
        return "audit.json_lines"

    async def deliver(self, events: Sequence[Event]) -> None:
        """Write one line for each event. Raises DeliveryError."""
        try:
            await asyncio.to_thread(self._lines.append, events)
        except OSError as error:
            raise DeliveryError(error.strerror or type(error).__name__) from error

    async def close(self) -> None:
        """Close the file; another delivery opens it again."""
        await asyncio.to_thread(self._lines.close)
