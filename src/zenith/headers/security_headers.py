"""The set of security headers, compiled once; a response costs a look at its names and a join."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from zenith.headers.cookies import CookieRules
from zenith.headers.csp import CompiledPolicy, ContentSecurityPolicy
from zenith.headers.permissions_policy import render_features
from zenith.headers.settings import HeadersSettings
from zenith.headers.sources import NONE, SELF
from zenith.kernel.problem import RawHeaders
from zenith.kernel.records import dataclass

Field = tuple[bytes, bytes]
CSP: Final = b"content-security-policy"
CSP_REPORT_ONLY: Final = b"content-security-policy-report-only"
NO_STORE: Final[Field] = (b"cache-control", b"no-store")
NOT_MODIFIED: Final = 304
ENDPOINT: Final = "csp"
NETWORK: Final = "network"
MEMORY: Final = 2_592_000
"""Seconds for which browsers report failed requests after the last answer."""
LOOSEST: Final = "unsafe-none"
OBSOLETE: Final = frozenset({b"expect-ct", b"public-key-pins", b"x-xss-protection"})
"""Headers that browsers dropped; the last one opened holes of its own. Removed where set."""

_STRICT_TO_LOOSE: Final = {
    b"cross-origin-embedder-policy": (b"require-corp", b"credentialless", b"unsafe-none"),
    b"cross-origin-opener-policy": (b"same-origin", b"same-origin-allow-popups", b"unsafe-none"),
    b"cross-origin-resource-policy": (b"same-origin", b"same-site", b"cross-origin"),
    b"referrer-policy": (
        b"no-referrer",
        b"same-origin",
        b"strict-origin",
        b"strict-origin-when-cross-origin",
    ),
    b"x-frame-options": (b"deny", b"sameorigin"),
}

_FRAME_OPTIONS: Final[dict[tuple[str, ...], str]] = {(NONE,): "DENY", (SELF,): "SAMEORIGIN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a response carries on one kind of connection."""

    fixed: tuple[Field, ...]
    """All but the policies."""
    bare: tuple[Field, ...]
    """All, with policies that name no nonce."""
    policies: tuple[tuple[bytes, CompiledPolicy], ...]

    def with_nonce(self, nonce: bytes) -> list[Field]:
        """All, with policies that name `nonce`."""
        headers = list(self.fixed)
        for name, policy in self.policies:
            headers.append((name, policy.value(nonce)))
        return headers


class SecurityHeaders:
    """The headers of `settings`, ready to be put on responses. Immutable.

    Threat: content sniffing, framing, downgrade to http, leaking addresses, foreign handles on
    windows and resources, private answers in caches (ASVS 3.4, 14.3.2).

    Where the application has set a header of the same name, ours counts, but for these: a stricter
    value of the same header stays; its own Content-Security-Policy stays beside ours, for browsers
    enforce both and so it can only tighten; its own Cache-Control stays. To loosen one route, mark
    it with `response_headers`.
    """

    __slots__ = (
        "_cached",
        "_clashing",
        "_cookies",
        "_names",
        "_plain",
        "_removed",
        "_replace",
        "_secure",
        "_watched",
    )

    def __init__(self, settings: HeadersSettings | None = None) -> None:
        settings = settings or HeadersSettings()
        self._secure: Final = _compile(settings, secure=True)
        self._plain: Final = _compile(settings, secure=False)
        self._names: Final = dict(self._secure.bare)
        self._removed: Final = OBSOLETE | {name.lower().encode() for name in settings.removed}
        own = {b"set-cookie", NO_STORE[0]}
        self._clashing: Final = (self._removed | self._names.keys()) - own
        self._watched: Final = self._clashing | own
        self._replace: Final = settings.allow_handlers_to_replace_policy
        self._cached: Final = settings.allow_private_answers_in_caches
        self._cookies: Final = CookieRules(settings)

    def fields(self, *, secure: bool, nonce: str | None = None) -> list[Field]:
        """The raw headers, names in lower case, of a response on a connection that is `secure`."""
        headers: RawHeaders = []
        self.apply(headers, secure=secure, nonce=nonce)
        return headers

    def apply(
        self,
        headers: RawHeaders,
        *,
        secure: bool,
        nonce: str | None = None,
        private: bool = False,
        status: int = 200,
    ) -> None:
        """Put the headers on a response, in place.

        `nonce` is the one that the page asked for, `private` says that the caller is known. A 304
        carries no policy: it would replace the one with which the cached page came.
        """
        answer = self._secure if secure else self._plain
        sensitive = private or nonce is not None
        settled = clash = False
        for name, _ in headers:
            # Most responses set nothing of this; some spell names in capitals.
            if name in self._watched or not name.islower():
                lowered = {each.lower() for each, _ in headers}
                settled = b"cache-control" in lowered
                if b"set-cookie" in lowered:
                    sensitive = True
                    self._cookies.check(headers, secure=secure)
                clash = not self._clashing.isdisjoint(lowered)
                break
        if sensitive and not settled and not self._cached:
            headers.append(NO_STORE)
        ours: Sequence[Field] = answer.bare
        if status == NOT_MODIFIED:
            ours = answer.fixed
        elif nonce is not None:
            ours = answer.with_nonce(nonce.encode("ascii"))
        if clash:
            headers[:] = self._reconcile(headers, ours)
        else:
            headers.extend(ours)

    def check_cookies(self, headers: RawHeaders, *, secure: bool) -> None:
        """Make cookies safe, in place, and leave all else; for what is no response."""
        self._cookies.check(headers, secure=secure)

    def _reconcile(self, headers: RawHeaders, ours: Sequence[Field]) -> RawHeaders:
        kept: RawHeaders = []
        settled: set[bytes] = set()
        for name, value in headers:
            lowered = name.lower()
            if lowered in self._removed:
                continue
            if lowered in (CSP, CSP_REPORT_ONLY):
                kept.append((lowered, value))
                if self._replace:
                    settled.add(lowered)
            elif lowered not in self._names:
                kept.append((name, value))
            elif lowered not in settled and _is_stricter(lowered, value, self._names[lowered]):
                kept.append((lowered, value))
                settled.add(lowered)
        return kept + [field for field in ours if field[0] not in settled]


def _is_stricter(name: bytes, theirs: bytes, ours: bytes) -> bool:
    order = _STRICT_TO_LOOSE.get(name, ())
    # What follows says where to report, not how strict it is.
    value = theirs.partition(b";")[0].strip().lower()
    if value not in order:
        return False
    own = ours.partition(b";")[0].lower()
    return own not in order or order.index(value) < order.index(own)


def _compile(settings: HeadersSettings, *, secure: bool) -> _Answer:
    values = {
        "x-content-type-options": "nosniff",
        "referrer-policy": settings.referrer_policy,
        "permissions-policy": render_features(settings.permissions),
        "cross-origin-opener-policy": settings.opener_policy,
        "cross-origin-resource-policy": settings.resource_policy,
        "origin-agent-cluster": "?1",
        "x-dns-prefetch-control": "off",
        "x-permitted-cross-domain-policies": "none",
    }
    if settings.embedder_policy is not None:
        values["cross-origin-embedder-policy"] = settings.embedder_policy
    if settings.report_path is not None and secure:
        values |= _reported(values, settings, settings.report_path)
    frame_options = _FRAME_OPTIONS.get(settings.policy.frame_ancestors or ())
    if frame_options is not None:
        values["x-frame-options"] = frame_options
    if secure:
        values["strict-transport-security"] = _hsts(settings)
    values |= {name.lower(): value for name, value in settings.extra.items()}
    fixed = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in values.items())
    policies = [(CSP, _reporting(settings.policy, settings, secure).compile(secure=secure))]
    if settings.report_only_policy is not None:
        tried = _reporting(settings.report_only_policy, settings, secure)
        policies.append((CSP_REPORT_ONLY, tried.compile(secure=secure, report_only=True)))
    bare = (*fixed, *[(name, policy.bare) for name, policy in policies])
    return _Answer(fixed=fixed, bare=bare, policies=tuple(policies))


def _hsts(settings: HeadersSettings) -> str:
    subdomains = "; includeSubDomains" if settings.hsts_include_subdomains else ""
    preload = "; preload" if settings.hsts_preload else ""
    return f"max-age={settings.hsts_max_age}{subdomains}{preload}"


def _reported(values: Mapping[str, str], settings: HeadersSettings, path: str) -> dict[str, str]:
    """Where browsers report what no policy of ours names. `default` gets deprecated features,
    interventions and crashes. Browsers take none of it over plain http.
    """
    made = {"reporting-endpoints": f'{ENDPOINT}="{path}", default="{path}"'}
    for name in ("cross-origin-opener-policy", "cross-origin-embedder-policy"):
        if values.get(name, LOOSEST) != LOOSEST:
            made[name] = f'{values[name]}; report-to="{ENDPOINT}"'
    if settings.network_errors:
        group = {"group": NETWORK, "max_age": MEMORY, "endpoints": [{"url": path}]}
        made["report-to"] = json.dumps(group)
        made["nel"] = json.dumps({"report_to": NETWORK, "max_age": MEMORY})
    return made


def _reporting(
    policy: ContentSecurityPolicy, settings: HeadersSettings, secure: bool
) -> ContentSecurityPolicy:
    if settings.report_path is None:
        return policy
    # Over plain http there are no endpoints, and one that is named silences the path.
    endpoint = policy.report_to or (ENDPOINT if secure else None)
    return policy.replace(
        report_uri=policy.report_uri or (settings.report_path,), report_to=endpoint
    )
