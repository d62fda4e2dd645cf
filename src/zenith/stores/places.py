"""Places of addresses, from a file that the operator brings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from zenith.kernel.errors import ConfigurationError

LANGUAGE: Final = "en"


class PlaceFile:
    """Cities and countries from a file in MaxMind's format, mapped into memory.

    Raises ConfigurationError for a file that is missing, unreadable or of another format, and
    where the library that reads it is not installed. A look-up opens nothing and asks nobody.
    """

    def __init__(self, path: Path) -> None:
        try:
            import maxminddb  # noqa: PLC0415  # of the extra `places`
        except ImportError:
            raise ConfigurationError(
                "sessions.places_database is set, and the library that reads it is missing",
                fix="pip install 'zenith-security[places]'",
            ) from None
        try:
            self._reader: Any = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise ConfigurationError(
                f"sessions.places_database cannot be read: {type(error).__name__}",
                fix="name a file in MaxMind's format, such as GeoLite2-City.mmdb",
            ) from None
        self._broken: Final = (ValueError, KeyError, maxminddb.InvalidDatabaseError)

    def __call__(self, address: str) -> str:
        """City and country, or what of them is known; empty for an address that is not there."""
        try:
            found: object = self._reader.get(address)
        except self._broken:
            # A damaged part of the file: the list is shown without the place.
            return ""
        names = [_name(found, key) for key in ("city", "country")]
        return ", ".join(name for name in names if name)

    def close(self) -> None:
        """Give the file back."""
        self._reader.close()


def _name(found: object, key: str) -> str:
    names = _member(_member(found, key), "names")
    name = _member(names, LANGUAGE)
    return name if isinstance(name, str) else ""


def _member(value: object, key: str) -> object:
    return cast("Mapping[str, object]", value).get(key) if isinstance(value, Mapping) else None
