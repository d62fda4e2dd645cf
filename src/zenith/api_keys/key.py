"""An API key as it is kept: everything but the key itself."""

from __future__ import annotations

from dataclasses import field

from zenith.api_keys.key_format import is_key, new_key
from zenith.kernel.clock import wall_clock
from zenith.kernel.keys import digest, equal, new_id
from zenith.kernel.records import dataclass

REQUESTS_PER_HOUR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class APIKey:
    """A key of an account or, without an owner, of a service. Times are Unix times in seconds.

    Threat: a database or backup that hands out the keys in it (ASVS 11.4.2, 13.2.4): only the
    SHA-256 of a random value is kept, from which nothing can be guessed.
    """

    id: str = field(default_factory=new_id)
    """No secret: the subject of requests with this key, and its name in the audit log."""
    name: str
    """What its owner calls it."""
    key_hash: str = field(repr=False)
    """SHA-256 of the whole key, in hex."""
    prefix: str
    """The first 15 characters, by which the key is found and recognised; no secret."""
    scopes: tuple[str, ...] = ()
    """What it was narrowed to. On the key that `get_api_key` gives: what of it holds now."""
    owner_id: str | None = None
    """The account for which it acts; None for a service of its own."""
    rate_limit: int | None = REQUESTS_PER_HOUR
    """Requests per hour; None for no limit of its own."""
    created_at: float = field(default_factory=wall_clock)
    expires_at: float | None = None
    revoked_at: float | None = None
    replaced_by: str | None = None
    """Id of the key that it was rotated to."""
    last_used_at: float | None = None
    """To the minute."""
    last_used_address: str = ""
    thumbprint: str | None = None
    """The public key (RFC 7638) whose holder alone may use it; None: whoever has it may."""
    tenant: str | None = None
    """Where it acts for its owner, and nowhere else; None for outside of all tenants."""

    @property
    def revoked(self) -> bool:
        """Whether it was ended before its time."""
        return self.revoked_at is not None

    def is_alive(self, now: float) -> bool:
        """Whether it would be accepted at `now`, as far as the key itself decides."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)

    @staticmethod
    def generate_key() -> tuple[str, str]:
        """A new key and its hash. The key is shown once and kept nowhere."""
        key = new_key()
        return key, digest(key)

    def verify_key(self, provided_key: str) -> bool:
        """Whether this is the key: checksum first, then hashes in constant time."""
        return is_key(provided_key) and equal(self.key_hash, digest(provided_key))
