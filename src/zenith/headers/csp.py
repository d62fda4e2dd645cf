"""Content Security Policy Level 3: typed, immutable, and strict until told otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, fields, replace
from typing import Any, Final, Literal, TypeAlias

from zenith.headers.dangers import find_dangers
from zenith.headers.sources import NONCE, NONE, SELF, STRICT_DYNAMIC, check_sources, without_nonce
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

Sources: TypeAlias = tuple[str, ...] | None
_CODE: Final = {"code": True}
_DANGER: Final = {"danger": True}
_TOKENS: Final[Mapping[str, re.Pattern[str]]] = {
    "sandbox": re.compile(r"allow-[a-z-]+"),
    "trusted_types": re.compile(r"'none'|'allow-duplicates'|\*|[A-Za-z0-9#=_/@.%-]+"),
    "report_uri": re.compile(
        r"/(?!/)[A-Za-z0-9._~!$&()*+=:@%/?-]*|https://[A-Za-z0-9._~!$&()*+=:@%/?-]+"
    ),
}
_TOKEN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_BLANKS: Final = re.compile(r"[ \t\n\f\r]+")
_PARSED_NONCE: Final = re.compile(r"'nonce-[A-Za-z0-9+/_-]+={0,2}'", re.IGNORECASE)
NONCE_TEXT: Final = re.compile(r"[A-Za-z0-9+/_-]{22,}={0,2}")
"""128 bits or more in base64 (CSP Level 3 section 7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSecurityPolicy:
    """Which code a page may run, what it may load, where it may send, who may frame it.

    Threat: cross-site scripting, clickjacking, injected `<base>` and form targets. The policy
    without arguments runs no script that lacks this response's nonce; say what differs:

        ContentSecurityPolicy(img_src=(SELF, "https://images.example.com"))

    Each field is the directive of the same name; None leaves it out, so that `default_src` rules.
    Lists that would protect nobody raise ConfigurationError unless an `allow_...` field, named for
    what is then lost, admits them. ASVS 3.4.3, 3.4.6; CSP Level 3.
    """

    default_src: Sources = field(default=(NONE,), metadata=_CODE)
    """What rules wherever a more exact directive is left out."""
    script_src: Sources = field(default=(NONCE, STRICT_DYNAMIC), metadata=_CODE)
    """Scripts: those with the nonce, and those that they load themselves."""
    script_src_elem: Sources = field(default=None, metadata=_CODE)
    """Script elements, where they differ from `script_src`."""
    script_src_attr: Sources = field(default=None, metadata=_CODE)
    """Event handlers in attributes, where they differ from `script_src`."""
    style_src: Sources = field(default=(SELF, NONCE), metadata=_CODE)
    """Style sheets: the origin's own files, and elements with the nonce."""
    style_src_elem: Sources = field(default=None, metadata=_CODE)
    """Style elements and links, where they differ from `style_src`."""
    style_src_attr: Sources = field(default=None, metadata=_CODE)
    """Style attributes, where they differ from `style_src`."""
    img_src: Sources = (SELF, "data:")
    """Images."""
    font_src: Sources = (SELF,)
    """Fonts."""
    connect_src: Sources = (SELF,)
    """Where scripts may send to: fetch, WebSocket, EventSource, beacons."""
    media_src: Sources = (SELF,)
    """Audio and video."""
    manifest_src: Sources = (SELF,)
    """The web application's manifest."""
    object_src: Sources = (NONE,)
    """Plug-ins."""
    frame_src: Sources = None
    """What may be framed by the page; the default framed nothing."""
    child_src: Sources = None
    """Frames and workers, where `frame_src` and `worker_src` are left out."""
    worker_src: Sources = None
    """Workers; left out, `child_src`, then `script_src` rules."""
    base_uri: Sources = (NONE,)
    """What a `<base>` element may say. It has no fallback."""
    form_action: Sources = (SELF,)
    """Where forms may send to. It has no fallback."""
    frame_ancestors: Sources = (NONE,)
    """Who may frame the page. It has no fallback; X-Frame-Options follows it."""
    sandbox: tuple[str, ...] | None = None
    """Restrict the page as an `<iframe sandbox>`; `()` for all restrictions."""
    upgrade_insecure_requests: bool = True
    """Load http: addresses over https:. Sent on secure connections only."""
    require_trusted_types: bool = False
    """Refuse text in script sinks such as innerHTML (`require-trusted-types-for 'script'`).
    Strong, but many libraries fail under it."""
    trusted_types: tuple[str, ...] | None = None
    """Names of the Trusted Types policies that may be made."""
    webrtc: Literal["allow", "block"] | None = None
    """Whether WebRTC connections, which `connect_src` does not rule, are allowed."""
    report_uri: tuple[str, ...] | None = None
    """Paths or https addresses that are told of violations (older browsers)."""
    report_to: str | None = None
    """Name of the endpoint in Reporting-Endpoints that is told of violations."""

    allow_inline_scripts: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: every injected script runs ('unsafe-inline', 'unsafe-hashes')."""
    allow_eval: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: text that reaches eval() runs ('unsafe-eval')."""
    allow_scripts_from_anywhere: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: an attacker's own server may serve scripts (`*`, `https:`, `data:`, no script_src)."""
    allow_scripts_from_public_hosts: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: whatever anybody publishes on a public script host may run."""
    allow_plugins: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: plug-in content runs (`object_src` other than 'none')."""
    allow_inline_styles: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: injected styles read and repaint the page ('unsafe-inline')."""
    allow_styles_from_anywhere: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: an attacker's own server may serve style sheets."""
    allow_base_anywhere: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: an injected `<base>` turns relative addresses elsewhere."""
    allow_forms_to_anywhere: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: an injected form sends what people type elsewhere."""
    allow_framing_by_anyone: bool = field(default=False, compare=False, metadata=_DANGER)
    """Lost: any site may frame the page and lead clicks astray."""

    def __post_init__(self) -> None:
        for each in fields(self):
            name, value = each.name, getattr(self, each.name)
            directive = directive_of(name)
            if name in _TOKENS and value is not None:
                _check_tokens(value, directive=directive, token=_TOKENS[name])
            elif name in SOURCE_LISTS and value is not None:
                code = bool(each.metadata.get("code"))
                checked = check_sources(value, directive=directive, code=code)
                object.__setattr__(self, name, checked)
        if not self.report_uri:
            object.__setattr__(self, "report_uri", None)
        if self.webrtc not in (None, "allow", "block"):
            raise ConfigurationError(
                f"content security policy: webrtc is {self.webrtc!r}", fix="write allow or block"
            )
        if self.report_to is not None and not _TOKEN_NAME.fullmatch(self.report_to):
            raise ConfigurationError(
                f"content security policy: report-to {self.report_to!r} is no endpoint name",
                fix="use letters, digits, `-` and `_`",
            )
        for flag, what in find_dangers({name: getattr(self, name) for name in SOURCE_LISTS}):
            if not getattr(self, flag):
                raise ConfigurationError(
                    f"content security policy: {what}",
                    fix=f"list less, or accept the loss by name: {flag}=True",
                )

    @classmethod
    def from_directives(
        cls, directives: Mapping[str, Iterable[str]], **allow: bool
    ) -> ContentSecurityPolicy:
        """A policy of exactly these directives, named as browsers do; the guide's dictionary.

        What is not listed is left out, so nothing of the default is inherited. An unknown directive
        raises ConfigurationError, for browsers would silently ignore it. `allow` takes the
        `allow_...` fields.
        """
        values: dict[str, Any] = dict.fromkeys(SOURCE_LISTS)
        values["upgrade_insecure_requests"] = False
        for directive, given in directives.items():
            name = _FIELDS.get(directive.lower())
            if name is None:
                raise ConfigurationError(
                    f"content security policy: {directive!r} is no directive",
                    fix="known directives: " + ", ".join(sorted(_FIELDS)),
                )
            values[name] = _value_of(name, directive, tuple(given))
        merged: dict[str, Any] = {**values, **allow}
        return cls(**merged)

    @classmethod
    def parse(cls, text: str, **allow: bool) -> ContentSecurityPolicy:
        """The policy that a header's `text` says; the inverse of `serialize`.

        A nonce in the text stands for the nonce of each response. Raises ConfigurationError for
        what the constructor would refuse and for a directive that is given twice.
        """
        directives: dict[str, tuple[str, ...]] = {}
        for part in text.split(";"):
            name, *values = _BLANKS.split(part.strip(" \t\n\f\r"))
            if not name:
                continue
            if name.lower() in directives:
                raise ConfigurationError(
                    f"content security policy: {name} is given twice",
                    fix="browsers ignore all but the first; keep one",
                )
            directives[name.lower()] = tuple(
                NONCE if _PARSED_NONCE.fullmatch(value) else value for value in values
            )
        return cls.from_directives(directives, **allow)

    def replace(self, **changes: Any) -> ContentSecurityPolicy:
        """A copy in which `changes` are other; checked like a new one."""
        return replace(self, **changes)

    def extend(self, **sources: Iterable[str]) -> ContentSecurityPolicy:
        """A copy whose source lists also hold `sources`; a list of 'none' gives way to them."""
        changes: dict[str, Any] = {}
        for name, added in sources.items():
            if name not in SOURCE_LISTS:
                raise ConfigurationError(
                    f"content security policy: {name} is no source list",
                    fix="known lists: " + ", ".join(SOURCE_LISTS),
                )
            present: Sources = getattr(self, name)
            inherited = self.default_src if present is None and name not in NO_FALLBACK else present
            kept = tuple(source for source in inherited or () if source != NONE)
            changes[name] = (*kept, *added)
        return replace(self, **changes)

    def serialize(self, *, nonce: str | None = None, secure: bool = True) -> str:
        """The header's value. Without `nonce` no nonce source appears and nothing gets looser.

        `nonce` is base64 of at least 128 random bits, new for each response; `secure` says whether
        the connection is https.
        """
        if nonce is None:
            return self._render(secure=secure, with_nonce=False)
        if not NONCE_TEXT.fullmatch(nonce):
            raise ConfigurationError(
                "content security policy: the nonce is not base64 of 128 bits or more",
                fix="use secrets.token_urlsafe(16), anew for each response",
            )
        return self._render(secure=secure, with_nonce=True).replace(NONCE, f"'nonce-{nonce}'")

    def compile(self, *, secure: bool, report_only: bool = False) -> CompiledPolicy:
        """The header's bytes, cut where the nonce goes."""
        value = self._render(secure=secure, with_nonce=True, report_only=report_only)
        bare = self._render(secure=secure, with_nonce=False, report_only=report_only)
        pieces = tuple(
            piece.encode("ascii") for piece in value.replace(NONCE, "'nonce-\0'").split("\0")
        )
        return CompiledPolicy(bare=bare.encode("ascii"), pieces=pieces)

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the `allow_...` fields that are set, for the start-up report."""
        return tuple(name for name in DANGERS if getattr(self, name))

    def _render(self, *, secure: bool, with_nonce: bool, report_only: bool = False) -> str:
        parts: list[str] = []
        for name, directive in _DIRECTIVES.items():
            value = getattr(self, name)
            if value is None or value is False:
                continue
            if name == "upgrade_insecure_requests" and (not secure or report_only):
                continue
            if name == "sandbox" and report_only:
                continue
            if name == "require_trusted_types":
                value = ("'script'",)
            elif isinstance(value, str):
                value = (f"'{value}'" if name == "webrtc" else value,)
            elif name in SOURCE_LISTS and not with_nonce:
                value = without_nonce(value)
            parts.append(" ".join((directive, *(() if value is True else value))))
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """A policy's header value, ready for a response: one join with a nonce, nothing without."""

    bare: bytes
    """The value for a response whose page asked for no nonce."""
    pieces: tuple[bytes, ...]
    """The value cut where the nonce goes."""

    def value(self, nonce: bytes | None = None) -> bytes:
        """The header's value."""
        return self.bare if nonce is None else nonce.join(self.pieces)


def directive_of(name: str) -> str:
    """The directive that a field stands for."""
    if name == "require_trusted_types":
        return "require-trusted-types-for"
    return name.replace("_", "-")


def _value_of(name: str, directive: str, given: tuple[str, ...]) -> object:
    if name in ("upgrade_insecure_requests", "require_trusted_types"):
        if given != (("'script'",) if name == "require_trusted_types" else ()):
            raise ConfigurationError(
                f"content security policy: {directive} cannot say {given!r}",
                fix="write upgrade-insecure-requests alone and require-trusted-types-for 'script'",
            )
        return True
    if name in ("webrtc", "report_to"):
        if len(given) != 1:
            raise ConfigurationError(
                f"content security policy: {directive} takes one value", fix="write just one"
            )
        return given[0].strip("'") if name == "webrtc" else given[0]
    return given


def _check_tokens(value: object, *, directive: str, token: re.Pattern[str]) -> None:
    if not isinstance(value, tuple):
        raise ConfigurationError(
            f"content security policy: {directive} is no tuple", fix=f"write ({value!r},)"
        )
    for text in value:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(text, str) or not token.fullmatch(text):
            raise ConfigurationError(
                f"content security policy: {text!r} has no place in {directive}",
                fix="see CSP Level 3, section 6, for what it may say",
            )


DANGERS: Final = tuple(
    each.name for each in fields(ContentSecurityPolicy) if each.metadata.get("danger")
)
_DIRECTIVES: Final = {
    each.name: directive_of(each.name)
    for each in fields(ContentSecurityPolicy)
    if not each.metadata.get("danger")
}
_FIELDS: Final = {directive: name for name, directive in _DIRECTIVES.items()}
DIRECTIVES: Final = frozenset(_FIELDS)
"""As browsers name them."""
NO_FALLBACK: Final = ("base_uri", "form_action", "frame_ancestors")
"""Directives that `default-src` does not stand in for."""
SOURCE_LISTS: Final = tuple(
    name
    for name in _DIRECTIVES
    if name.endswith("_src") or name.startswith(("script_", "style_")) or name in NO_FALLBACK
)
