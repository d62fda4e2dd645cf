"""Settings of access and refresh tokens."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

DEFAULT_ISSUER: Final = "zenith"
MINUTE: Final = 60.0
DAY: Final = 86_400.0
MAX_LEEWAY: Final = 60.0
MAX_GRACE: Final = 60.0
MAX_ACCESS_LIFETIME: Final = 60 * MINUTE

SigningAlgorithm: TypeAlias = Literal["HS256", "EdDSA", "ES256", "RS256"]
"""HS256 signs with the application's secret; the others with keys of their own, that rotate."""

DpopUse: TypeAlias = Literal["off", "optional", "required"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenSettings:
    """Lifetimes and names of tokens. Checked at construction."""

    issuer: str = DEFAULT_ISSUER
    """Who issues: the `iss` of every token. An application that leaves it as it is issues, in
    production, in the name of its origin, so that another one with the same secret refuses its
    tokens."""

    audience: str = "zenith"
    """Whom tokens are for: the `aud` of every token (ASVS 9.2.3). One value per service, so that a
    token for one is refused by its neighbour."""

    algorithm: SigningAlgorithm = "HS256"
    """How access tokens are signed. HS256 needs nothing but the application's secret. With EdDSA,
    ES256 or RS256 other services verify with the public keys of `/.well-known/jwks.json`; such keys
    are made by Zenith, kept encrypted in the database, and rotate."""

    rotate_every: float | None = 90 * DAY
    """Seconds after which a signing key is replaced, where keys rotate (not HS256). The next one is
    published an hour before, and the last one verifies until its tokens have expired. None: only by
    hand."""

    access_lifetime: float = 15 * MINUTE
    """Seconds that an access token holds; one hour at most: roles may have changed."""

    refresh_lifetime: float = 7 * DAY
    """Seconds after sign-in until a family of refresh tokens ends, however often it was rotated
    (ASVS 10.4.8)."""

    refresh_grace: float = 10.0
    """Seconds during which the predecessor of a refresh token still yields the same successor, so
    that two tabs or a lost answer do not sign anybody out. Zero is strictest; 60 at most."""

    leeway: float = 10.0
    """Seconds by which the issuer's clock may be ahead of the verifier's, tolerated in `iat` and
    `nbf`; 60 at most (RFC 7519). `exp` is exact."""

    dpop: DpopUse = "optional"
    """Tokens bound to a key of the client (RFC 9449). `optional`: whoever proves a key when it
    signs in gets bound tokens. `required`: nobody else gets any, and bearer tokens are refused.
    `off`: proofs are not looked at."""

    dpop_nonce: bool = False
    """Whether a proof must carry this server's nonce, so that none can be made in advance; costs a
    client one more request now and then."""

    dpop_window: float = 60.0
    """Seconds that a proof may be old; 300 at most."""

    cache_entries: int = 10_000
    """Verified tokens kept ready in memory; zero verifies every token anew."""

    def __post_init__(self) -> None:
        for name in ("issuer", "audience"):
            if not getattr(self, name).strip():
                raise ConfigurationError(
                    f"tokens.{name} is empty", fix="name the service, such as https://example.org"
                )
        if self.algorithm not in get_args(SigningAlgorithm):
            raise ConfigurationError(
                f"tokens.algorithm is `{self.algorithm}`",
                fix="use one of " + ", ".join(get_args(SigningAlgorithm)),
            )
        if self.dpop not in get_args(DpopUse):
            raise ConfigurationError(
                f"tokens.dpop is `{self.dpop}`",
                fix="use one of " + ", ".join(get_args(DpopUse)),
            )
        _check_range("dpop_window", self.dpop_window, 1.0, 300.0)
        if self.rotate_every is not None:
            _check_range("rotate_every", self.rotate_every, MINUTE, 1000 * DAY)
        _check_range("access_lifetime", self.access_lifetime, 1.0, MAX_ACCESS_LIFETIME)
        _check_range("refresh_lifetime", self.refresh_lifetime, 60.0, 400 * DAY)
        _check_range("refresh_grace", self.refresh_grace, 0.0, MAX_GRACE)
        _check_range("leeway", self.leeway, 0.0, MAX_LEEWAY)
        _check_range("cache_entries", self.cache_entries, 0, 1_000_000)
        if self.refresh_lifetime <= self.access_lifetime:
            raise ConfigurationError(
                "tokens.refresh_lifetime is not longer than tokens.access_lifetime",
                fix="let refresh tokens outlive access tokens, such as 7 days and 15 minutes",
            )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(
            f"tokens.{name} is {value:g}", fix=f"set it between {low:g} and {high:g}"
        )
