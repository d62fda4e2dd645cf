"""Settings of API keys."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import check_permission
from zenith.kernel.records import dataclass

DAY: Final = 24 * 3600.0
YEAR: Final = 366 * DAY
MAX_SCOPES: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class APIKeySettings:
    """Which API keys people may make, and how long they live. Checked at construction."""

    scopes: tuple[str, ...] = ()
    """Scopes that everybody may give to a key, such as `read:data`. Beyond these a key can only
    have scopes that are permissions of its owner (ASVS 8.2.1)."""

    requests_per_hour: int | None = 1000
    """How often one key may be used in an hour, unless it was made with a lower number; None: no
    limit of its own."""

    default_lifetime: float = 90 * DAY
    """Seconds after which a key expires where its maker says nothing."""

    max_lifetime: float = YEAR
    """Seconds that a maker may ask for at most: no key lives for ever (ASVS 13.2.2)."""

    rotation_overlap: float = DAY
    """Seconds for which a rotated key still works, so that programs can change over."""

    max_per_owner: int = 50
    """Living keys that one account may have; rotated ones that work on come on top, as many again
    at most."""

    bound_only: bool = False
    """Whether each key must be bound to a public key when it is made (RFC 9449); keys that are not
    are refused then, also those that were made before."""

    cache_entries: int = 10_000
    """Keys kept ready in memory, each for at most one second."""

    def __post_init__(self) -> None:
        if len(self.scopes) > MAX_SCOPES:
            raise ConfigurationError(
                f"api_keys.scopes has more than {MAX_SCOPES} entries", fix="declare fewer scopes"
            )
        for scope in self.scopes:
            check_permission(scope)
        limit = self.requests_per_hour
        if limit is not None:
            _check_range("requests_per_hour", limit, 1, 1_000_000_000)
        _check_range("max_lifetime", self.max_lifetime, 60.0, 10 * YEAR)
        _check_range("default_lifetime", self.default_lifetime, 60.0, self.max_lifetime)
        _check_range("rotation_overlap", self.rotation_overlap, 0.0, 30 * DAY)
        _check_range("max_per_owner", self.max_per_owner, 1, 10_000)
        _check_range("cache_entries", self.cache_entries, 1, 1_000_000)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(
            f"api_keys.{name} is {value:g}", fix=f"set it between {low:g} and {high:g}"
        )
