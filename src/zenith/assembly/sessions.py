"""Sessions: what binds them to where they began, and the names of places."""

from __future__ import annotations

from zenith.accounts import DeviceWatch
from zenith.assembly.parts import Parts
from zenith.sessions import DeviceBinding, PlaceNames, SessionSettings
from zenith.stores.places import PlaceFile


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


def make_places(settings: SessionSettings) -> PlaceNames:
    """What names the places of sign-ins; raises ConfigurationError for an unreadable file."""
    path = settings.places_database
    return PlaceNames(None if path is None else PlaceFile(path))
