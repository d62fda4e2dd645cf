"""Sessions that are bound to where they began."""

from __future__ import annotations

from zenith.accounts import DeviceWatch
from zenith.assembly.parts import Parts
from zenith.sessions import DeviceBinding


def make_watch(parts: Parts) -> DeviceWatch | None:
    """What ends a sign-in that is used elsewhere; None where nothing is bound."""
    if parts.settings.sessions.bind_to_device == "off":
        return None
    return DeviceWatch(
        DeviceBinding(parts.settings.sessions.bind_to_device),
        accounts=parts.account_store,
        sessions=parts.sessions,
        refresh=parts.refresh,
        events=parts.events,
        notices=parts.notices,
    )
