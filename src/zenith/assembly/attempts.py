"""What slows down guessing."""

from __future__ import annotations

from functools import partial
from typing import Final

from zenith.accounts import AttemptLimits, KnownDevices
from zenith.assembly.parts import Parts

LOCKED: Final = "devices_locked_out"


def attempt_limits(parts: Parts, devices: KnownDevices) -> AttemptLimits:
    """Counts attempts at passwords; failures survive in SQL."""
    return AttemptLimits(
        parts.limiter,
        devices,
        parts.settings.accounts,
        attempts=parts.attempts,
        events=parts.events,
        challenges=parts.challenges,
        on_lock=partial(parts.notices.tell, notice=LOCKED),
    )
