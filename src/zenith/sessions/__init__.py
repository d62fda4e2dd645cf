"""Server-side sessions, carried by a cookie."""

from zenith.sessions.binding import DeviceBinding, SessionWatch
from zenith.sessions.cookie import clear_cookie, renewed_cookie, session_cookie
from zenith.sessions.device import describe_device
from zenith.sessions.places import PlaceLookup, PlaceNames
from zenith.sessions.scheme import SessionScheme, session_of
from zenith.sessions.session import MAX_NAME, Sessions
from zenith.sessions.settings import SessionSettings
from zenith.sessions.store import SessionKind, SessionRecord, SessionStore

__all__ = [
    "MAX_NAME",
    "DeviceBinding",
    "PlaceLookup",
    "PlaceNames",
    "SessionKind",
    "SessionRecord",
    "SessionScheme",
    "SessionSettings",
    "SessionStore",
    "SessionWatch",
    "Sessions",
    "clear_cookie",
    "describe_device",
    "renewed_cookie",
    "session_cookie",
    "session_of",
]
