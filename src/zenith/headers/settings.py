"""Settings of the response headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, fields
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from zenith.headers.csp import ContentSecurityPolicy
from zenith.headers.permissions_policy import Features, merge_features
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

ReferrerPolicy: TypeAlias = Literal[
    "no-referrer",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "origin",
    "origin-when-cross-origin",
    "no-referrer-when-downgrade",
    "unsafe-url",
]
OpenerPolicy: TypeAlias = Literal[
    "same-origin", "noopener-allow-popups", "same-origin-allow-popups", "unsafe-none"
]
ResourcePolicy: TypeAlias = Literal["same-origin", "same-site", "cross-origin"]
CookieMode: TypeAlias = Literal["add", "refuse", "report"]
EmbedderPolicy: TypeAlias = Literal["require-corp", "credentialless", "unsafe-none"]

DAY: Final = 86_400
YEAR: Final = 31_536_000
COOKIE_RULES: Final = ("Secure", "HttpOnly", "SameSite", "Domain", "Path", "Size")
SITE_DATA: Final = ("cache", "cookies", "storage", "executionContexts")
MOST_REPORTS: Final = 100_000
LEAKING_REFERRERS: Final = frozenset(
    {"origin", "origin-when-cross-origin", "no-referrer-when-downgrade", "unsafe-url"}
)
MANAGED: Final = frozenset(
    {
        "content-security-policy",
        "clear-site-data",
        "content-security-policy-report-only",
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "origin-agent-cluster",
        "nel",
        "permissions-policy",
        "referrer-policy",
        "report-to",
        "reporting-endpoints",
        "strict-transport-security",
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
    }
)
"""Headers that Zenith writes itself."""
_FORBIDDEN_EXTRAS: Final = MANAGED | {
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "set-cookie",
    "transfer-encoding",
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PATH: Final = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]*")
_CHOICES: Final = {
    "referrer_policy": get_args(ReferrerPolicy),
    "opener_policy": get_args(OpenerPolicy),
    "resource_policy": get_args(ResourcePolicy),
    "embedder_policy": (*get_args(EmbedderPolicy), None),
    "cookies": get_args(CookieMode),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadersSettings:
    """Which headers every response carries. X-Content-Type-Options: nosniff always (ASVS 3.4.4).

    Raises ConfigurationError for values that browsers would not understand, for anything that
    could end a header and begin another, and for known unsafe values not admitted by name.
    """

    policy: ContentSecurityPolicy = field(default_factory=ContentSecurityPolicy)
    """The enforced Content-Security-Policy; X-Frame-Options follows its `frame_ancestors`."""
    report_only_policy: ContentSecurityPolicy | None = None
    """A second policy that only reports, to try a stricter one beside the enforced."""
    cookies: CookieMode = "add"
    """What happens to cookies without Secure (over https), HttpOnly or SameSite, with Domain, with
    a prefix that they do not honour, or beyond 4096 bytes (ASVS 3.3.1 to 3.3.5). `add` mends what
    can be mended: SameSite becomes Lax, Domain goes; `refuse` leaves them out of the answer;
    `report` only logs them."""
    cookie_exceptions: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    """What single cookies need not have, by name: `{"theme": ("HttpOnly",)}` may be read by
    scripts. Of Secure, HttpOnly, SameSite, Domain, Path and Size."""
    clear_at_sign_out: tuple[str, ...] = ("cache", "storage")
    """What a browser forgets of this origin at sign-out, over https (Clear-Site-Data, ASVS 14.3.1).
    `cookies` would also end those of other hosts of the domain, and that by which this device is
    known. Empty: nothing."""
    report_path: str | None = None
    """Path of this origin to which browsers send reports: of both policies, of windows and frames
    kept apart, of deprecated features (ASVS 3.4.7). None: no reports, but in `zenith serve`, where
    it is `/browser-reports`."""
    collect_reports: bool = True
    """Whether Zenith itself collects what is sent to `report_path`; if not, the path is a route of
    the application's own."""
    network_errors: bool = False
    """Whether browsers also report requests that failed on the way, over https only (NEL)."""
    report_limit: str = "60/minute"
    """How many requests with reports one address may send, in place of the limit of all routes."""
    report_retention: float = 30 * DAY
    """Seconds for which counts of reports are kept."""
    max_reports: int = 2_000
    """Different reports that are kept of each day. Beyond them only directives are counted."""
    hsts_max_age: int = 2 * YEAR
    """Seconds for which browsers use https only. Sent over https only (RFC 6797 section 7.2)."""
    hsts_include_subdomains: bool = True
    """Whether sub-domains are bound too (ASVS 3.4.1)."""
    hsts_preload: bool = False
    """Consent to the browsers' built-in lists; leaving them takes months (ASVS 3.7.4)."""
    referrer_policy: ReferrerPolicy = "strict-origin-when-cross-origin"
    """How much of the address links and resources tell other sites (ASVS 3.4.5)."""
    permissions: Features = field(default_factory=dict[str, tuple[str, ...]])
    """Browser features to grant or deny beyond the default, which denies the powerful ones:
    `{"camera": ("self",)}`."""
    opener_policy: OpenerPolicy = "same-origin"
    """Whether windows of other origins keep a handle on the page (ASVS 3.4.8)."""
    resource_policy: ResourcePolicy = "same-origin"
    """Who may embed the response (ASVS 3.5.8)."""
    embedder_policy: EmbedderPolicy | None = None
    """Whether everything that the page embeds must agree to it; None sends no header."""
    removed: tuple[str, ...] = ("server", "x-powered-by")
    """Headers of the application that are dropped, for they tell what runs (ASVS 13.4.6)."""
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further fixed headers."""

    allow_short_hsts: bool = False
    """Lost: protection from downgrade within a year, or on sub-domains."""
    allow_referrer_leaks: bool = False
    """Lost: addresses of the application stay in it (`unsafe-url` and the like)."""
    allow_handlers_to_replace_policy: bool = False
    """Lost: the certainty that no handler loosens the policy by setting the header itself."""
    allow_private_answers_in_caches: bool = False
    """Lost: `no-store` on answers to authenticated callers and on answers that set cookies."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"headers: {name} is {getattr(self, name)!r}",
                    fix="choose one of " + ", ".join(str(choice) for choice in choices),
                )
        if self.referrer_policy in LEAKING_REFERRERS and not self.allow_referrer_leaks:
            raise ConfigurationError(
                f"headers: referrer_policy {self.referrer_policy} tells addresses to other sites",
                fix="choose strict-origin-when-cross-origin, or set allow_referrer_leaks=True",
            )
        self._check_hsts()
        if self.report_path is not None and not _PATH.fullmatch(self.report_path):
            raise ConfigurationError(
                f"headers: report_path {self.report_path!r} is no path of this origin",
                fix="write a path such as /browser-reports",
            )
        self._check_reports()
        self._check_cookies()
        for name in self.removed:
            _check_name(name, field_name="removed")
        for name, value in self.extra.items():
            _check_extra(name, value)
        object.__setattr__(self, "permissions", merge_features(self.permissions))
        object.__setattr__(
            self, "cookie_exceptions", MappingProxyType(dict(self.cookie_exceptions))
        )
        object.__setattr__(self, "extra", MappingProxyType(dict(self.extra)))

    def _check_hsts(self) -> None:
        if isinstance(self.hsts_max_age, bool) or self.hsts_max_age < 0:
            raise ConfigurationError(
                f"headers: hsts_max_age is {self.hsts_max_age}", fix="give seconds, 0 or more"
            )
        short = self.hsts_max_age < YEAR or not self.hsts_include_subdomains
        if self.hsts_preload and short:
            raise ConfigurationError(
                "headers: hsts_preload needs a year or more and sub-domains",
                fix="leave hsts_max_age and hsts_include_subdomains at their defaults",
            )
        if short and not self.allow_short_hsts:
            raise ConfigurationError(
                "headers: HSTS for less than a year or without sub-domains",
                fix="leave the defaults, or set allow_short_hsts=True",
            )

    def _check_cookies(self) -> None:
        for name, excepted in self.cookie_exceptions.items():
            if not set(excepted) <= set(COOKIE_RULES):
                raise ConfigurationError(
                    f"headers: cookie_exceptions of {name} names no rule",
                    fix="choose from " + ", ".join(COOKIE_RULES),
                )
        for kind in self.clear_at_sign_out:
            if kind not in SITE_DATA:
                raise ConfigurationError(
                    f"headers: clear_at_sign_out names {kind!r}",
                    fix="choose from " + ", ".join(SITE_DATA),
                )

    def _check_reports(self) -> None:
        if self.report_retention < DAY:
            raise ConfigurationError(
                f"headers: report_retention is {self.report_retention:g}",
                fix=f"give seconds, {DAY} or more: reports are counted by day",
            )
        if not 0 < self.max_reports <= MOST_REPORTS:
            raise ConfigurationError(
                f"headers: max_reports is {self.max_reports}",
                fix=f"give a number from 1 to {MOST_REPORTS}",
            )
        if self.network_errors and self.report_path is None:
            raise ConfigurationError(
                "headers: network_errors is set, and there is no path to report them to",
                fix="set report_path to a path such as /browser-reports",
            )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the `allow_...` settings that are set, here and in the policy."""
        own = (each.name for each in fields(self) if each.name.startswith("allow_"))
        return (*(name for name in own if getattr(self, name)), *self.policy.dangers)


def _check_name(name: str, *, field_name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError(
            f"headers: {name!r} in {field_name} is no header name",
            fix="use letters, digits and `-` (RFC 9110 section 5.1)",
        )


def _check_extra(name: str, value: str) -> None:
    _check_name(name, field_name="extra")
    if name.lower() in _FORBIDDEN_EXTRAS:
        raise ConfigurationError(
            f"headers: {name} has no place in extra",
            fix="use the setting of its own, or set it in the handler",
        )
    if not _VALUE.fullmatch(value):
        raise ConfigurationError(
            f"headers: the value of {name} holds characters that no header may",
            fix="use visible ASCII without line breaks (RFC 9110 section 5.5)",
        )
