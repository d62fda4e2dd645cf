"""Settings of the rate limits."""

from __future__ import annotations

from dataclasses import fields
from typing import Final, Literal, TypeAlias, get_args

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import parse_networks
from zenith.kernel.records import dataclass
from zenith.rate_limits.keys import NETWORK, check_places, check_prefixes
from zenith.rate_limits.limit import parse_limits
from zenith.rate_limits.strategies import STRATEGIES, StrategyName

OnFailure: TypeAlias = Literal["local", "closed", "open"]
MIN_CLIENTS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """How often one client may call. Checked at construction; raises ConfigurationError."""

    per_address: str | None = "100/minute"
    """For every client address (IPv6: every /64) over all routes; several with `;`. None: no limit
    but those that routes declare."""
    per_principal: str | None = None
    """For every signed-in caller over all routes, from whatever addresses it comes."""
    per_network: str | None = None
    """For every network over all routes, against who owns more than one address or IPv6 /64."""
    address_prefix: int = 64
    """Bits of an IPv6 address that are one client to `per_address`: what one holder has."""
    network_prefixes: tuple[int, int] = NETWORK
    """Bits of IPv4 and IPv6 addresses that are one network to `per_network`."""
    exempt_networks: tuple[str, ...] = ()
    """Networks that `per_address` and `per_network` leave alone: probes, your own crawlers. What
    routes declare holds for them too."""
    concurrent_per_address: int | None = None
    """Requests and sockets of one client address that may be in flight at once; more get 429."""
    concurrent: int | None = None
    """Of all clients together, over all processes that share a Redis; more get 503."""
    strategy: StrategyName = "sliding_window"
    """How these are counted: fixed_window, sliding_window, sliding_log or token_bucket."""
    headers: bool = True
    """Whether answers say what is left: `RateLimit` and `RateLimit-Policy`."""
    legacy_headers: bool = True
    """Whether they also say it as `X-RateLimit-Limit`, `-Remaining` and `-Reset`."""
    max_clients: int = 1_000_000
    """Bound of the counters in process memory, about 150 bytes each. Clients beyond it share
    counters, so that no flood of addresses frees anyone from a limit."""
    store_timeout: float = 0.25
    """Seconds to wait for shared counters before `on_failure` decides."""
    retry_interval: float = 1.0
    """Seconds after which a store that failed is asked again."""
    on_failure: OnFailure = "local"
    """While shared counters do not answer: `local` counts in this process by a stricter limit,
    `closed` refuses with 503, `open` admits everybody (needs `allow_unlimited_on_failure`)."""
    local_share: float = 0.25
    """Of each limit, what one process admits while it counts alone, with what it admitted before:
    one divided by the number of processes."""

    allow_unlimited_on_failure: bool = False
    """Lost: every limit, for as long as an attacker can keep the store from answering."""
    allow_no_address_limit: bool = False
    """Lost: the limit that holds for routes whose author thought of none."""

    def __post_init__(self) -> None:
        for name, choices in (("strategy", tuple(STRATEGIES)), ("on_failure", get_args(OnFailure))):
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"rate_limits.{name} is {getattr(self, name)!r}",
                    fix="choose one of " + ", ".join(choices),
                )
        for text in (self.per_address, self.per_principal, self.per_network):
            if text is not None:
                parse_limits(text, strategy=self.strategy)
        if self.per_address is None and not self.allow_no_address_limit:
            raise ConfigurationError(
                "rate_limits.per_address is off",
                fix="raise it instead (`1000/minute`), or set allow_no_address_limit=True",
            )
        if self.on_failure == "open" and not self.allow_unlimited_on_failure:
            raise ConfigurationError(
                "rate_limits.on_failure is `open`: without its store nothing would be limited",
                fix="choose `local`, or set allow_unlimited_on_failure=True",
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        check_prefixes(self.network_prefixes, setting="rate_limits.network_prefixes")
        check_prefixes((1, self.address_prefix), setting="rate_limits.address_prefix")
        parse_networks(self.exempt_networks, setting="rate_limits.exempt_networks")
        if self.max_clients < MIN_CLIENTS:
            raise ConfigurationError(
                f"rate_limits.max_clients is {self.max_clients}",
                fix=f"set it to {MIN_CLIENTS} or more",
            )
        for name in ("concurrent", "concurrent_per_address"):
            if getattr(self, name) is not None:
                check_places(getattr(self, name), setting=f"rate_limits.{name}")
        for name in ("store_timeout", "retry_interval"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(
                    f"rate_limits.{name} is not positive", fix="give seconds above 0"
                )
        if not 0 < self.local_share <= 1:
            raise ConfigurationError(
                f"rate_limits.local_share is {self.local_share:g}",
                fix="set it above 0 and not above 1; 1/n for n processes",
            )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the `allow_...` settings that are set."""
        names = (item.name for item in fields(self) if item.name.startswith("allow_"))
        return tuple(name for name in names if getattr(self, name))
