"""A limit: how many requests, in what time, counted how. Checked where it is written down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.rate_limits.strategies import MILLISECONDS, STRATEGIES, Strategy, StrategyName

Limits: TypeAlias = "str | Limit | Sequence[Limit]"
"""`"10/minute;100/hour"`, one limit, or several."""

PERIODS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MAX_WINDOW: Final = 366 * 86_400
MAX_LOGGED: Final = 1000
"""Each hit of a sliding log is remembered, so its limit is the memory that a client takes."""
MAX_EXACT: Final = 2**53
"""Up to here Redis counts exactly, since its scripts know no other numbers than doubles."""
_ONE: Final = re.compile(r"(\d{1,16})\s*(?:/|\bper\b)\s*(\d{0,16})\s*([a-z]+)")
_LABEL: Final = re.compile(r"[!#-\[\]-~]{1,100}")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in `window` seconds for one client.

    Raises ConfigurationError for numbers that limit nothing or cannot be counted exactly, and for
    a strategy that does not exist: an unknown word must never be read as some default.
    """

    requests: int
    """How much one client may spend."""
    window: int
    """In how many seconds."""
    strategy: StrategyName = "sliding_window"
    """`fixed_window`, `sliding_window`, `sliding_log` or `token_bucket`."""
    name: str = field(default="default", kw_only=True)
    """What is counted. Limits with the same name and numbers share their counters."""
    label: str = field(default="", kw_only=True)
    """What clients read in `RateLimit`, followed by the window; the name where empty."""
    id: str = field(init=False, repr=False, compare=False)
    """Name, strategy and numbers: the key under which stores count."""
    quoted: bytes = field(init=False, repr=False, compare=False)
    """The quoted label that stands for the limit in response headers."""
    policy: bytes = field(init=False, repr=False, compare=False)
    """The limit's entry in `RateLimit-Policy`."""
    policy_field: tuple[bytes, bytes] = field(init=False, repr=False, compare=False)
    """The header of the limit alone."""
    legacy_field: tuple[bytes, bytes] = field(init=False, repr=False, compare=False)
    """`X-RateLimit-Limit`."""
    engine: Strategy = field(init=False, repr=False, compare=False)
    """Counts; holds no counts."""

    def __post_init__(self) -> None:
        _check_number(self.requests, "requests")
        _check_number(self.window, "window")
        # What is counted in parts of a request and a millisecond; a fixed window counts requests.
        parts = 1 if self.strategy == "fixed_window" else self.window * MILLISECONDS
        if self.window > MAX_WINDOW or self.requests * parts >= MAX_EXACT:
            raise ConfigurationError(
                f"rate limit of {self.requests} in {self.window} seconds cannot be counted exactly",
                fix="take a shorter window and as many requests fewer",
            )
        make = STRATEGIES.get(self.strategy)
        if make is None:
            raise ConfigurationError(
                f"rate limit strategy `{self.strategy}` does not exist",
                fix="choose one of " + ", ".join(STRATEGIES),
            )
        if self.strategy == "sliding_log" and self.requests > MAX_LOGGED:
            raise ConfigurationError(
                f"rate limit of {self.requests} by `sliding_log` remembers every one of them",
                fix=f"take `sliding_window`, or {MAX_LOGGED} requests at most",
            )
        label = self.label or self.name
        if not _LABEL.fullmatch(label):
            raise ConfigurationError(
                f"rate limit label {label!r} cannot stand in a header",
                fix="use visible ASCII without spaces, quotes and backslashes",
            )
        quoted = f'"{label}-{self.window}"'.encode("ascii")
        policy = b"%b;q=%d;w=%d" % (quoted, self.requests, self.window)
        identity = f"{self.name}|{self.strategy}|{self.requests}|{self.window}"
        object.__setattr__(self, "id", identity)
        object.__setattr__(self, "quoted", quoted)
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "policy_field", (b"ratelimit-policy", policy))
        legacy = (b"x-ratelimit-limit", b"%d" % self.requests)
        object.__setattr__(self, "legacy_field", legacy)
        object.__setattr__(self, "engine", make(self.requests, self.window * MILLISECONDS))

    def named(self, name: str, *, label: str = "") -> Limit:
        """The same limit on something else."""
        return replace(self, name=name, label=label)

    def at(self, share: float) -> Limit:
        """A stricter one: `share` of the requests, but one or more."""
        return replace(self, requests=max(int(self.requests * share), 1))


def _check_number(value: object, name: str) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError(
            f"rate limit: {name} is {value!r}", fix=f"give {name} as a whole number of 1 or more"
        )


@lru_cache(maxsize=512)
def parse_limits(
    text: str,
    *,
    strategy: StrategyName = "sliding_window",
    name: str = "default",
    label: str = "",
) -> tuple[Limit, ...]:
    """Limits from text: `10/minute`, `5 per 30 seconds`, several with `;` between them.

    Raises ConfigurationError that names the periods for anything else, the empty text included.
    """
    return tuple(
        _parse_one(part.strip().lower(), strategy, name, label) for part in text.split(";")
    )


def _parse_one(text: str, strategy: StrategyName, name: str, label: str) -> Limit:
    match = _ONE.fullmatch(text)
    period = None if match is None else PERIODS.get(match[3].removesuffix("s"))
    if match is None or period is None:
        raise ConfigurationError(
            f"`{text}` is no rate limit",
            fix="write such as `10/minute` or `5 per 30 seconds`; periods are "
            + ", ".join(PERIODS),
        )
    window = int(match[2] or 1) * period
    return Limit(int(match[1]), window, strategy, name=name, label=label)


def limits_of(
    limits: Limits,
    *,
    name: str,
    label: str = "",
    strategy: StrategyName = "sliding_window",
) -> tuple[Limit, ...]:
    """Any way of writing limits, as limits called `name`. Raises ConfigurationError."""
    if isinstance(limits, str):
        return parse_limits(limits, strategy=strategy, name=name, label=label)
    given = (limits,) if isinstance(limits, Limit) else tuple(limits)
    if not given:
        raise ConfigurationError(
            "an empty list of rate limits limits nothing", fix="name a limit: `10/minute`"
        )
    return _named(given, name, label)


@lru_cache(maxsize=512)
def _named(limits: tuple[Limit, ...], name: str, label: str) -> tuple[Limit, ...]:
    return tuple(limit.named(name, label=label) for limit in limits)
