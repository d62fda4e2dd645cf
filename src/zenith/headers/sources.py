"""Sources: what a directive of a policy may list, and which lists protect nobody (CSP Level 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from zenith.kernel.errors import ConfigurationError

NONE: Final = "'none'"
SELF: Final = "'self'"
NONCE: Final = "'nonce'"
"""Stands for `'nonce-<random>'`, made anew for each response whose page asks for it."""
STRICT_DYNAMIC: Final = "'strict-dynamic'"
UNSAFE_INLINE: Final = "'unsafe-inline'"
UNSAFE_EVAL: Final = "'unsafe-eval'"
UNSAFE_HASHES: Final = "'unsafe-hashes'"
REPORT_SAMPLE: Final = "'report-sample'"
WASM_UNSAFE_EVAL: Final = "'wasm-unsafe-eval'"

CODE_KEYWORDS: Final = frozenset(
    {
        STRICT_DYNAMIC,
        UNSAFE_INLINE,
        UNSAFE_EVAL,
        UNSAFE_HASHES,
        REPORT_SAMPLE,
        WASM_UNSAFE_EVAL,
        "'inline-speculation-rules'",
        "'trusted-types-eval'",
    }
)
"""Keywords that mean something only where scripts or styles are governed."""

_KEYWORDS: Final = CODE_KEYWORDS | {NONE, SELF, NONCE}

PUBLIC_HOSTS: Final = frozenset(
    {
        "ajax.googleapis.com",
        "cdn.jsdelivr.net",
        "cdn.skypack.dev",
        "cdnjs.cloudflare.com",
        "esm.sh",
        "esm.run",
        "raw.githack.com",
        "unpkg.com",
    }
)
"""Hosts that serve whatever anybody publishes: to allow one is to allow an attacker's script."""

_DIGEST_LENGTHS: Final = {"sha256": 44, "sha384": 64, "sha512": 88}
_HASH: Final = re.compile(r"'(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})'")
_FIXED_NONCE: Final = re.compile(r"'nonce-[A-Za-z0-9+/_-]+={0,2}'")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:")
_HOST: Final = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?P<host>\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)"
    r"(?::(?P<port>[0-9]{1,5}|\*))?"
    r"(?P<path>/[A-Za-z0-9._~!$&()*+=:@%/-]*)?",
    re.IGNORECASE,
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1"})


def check_source(text: str, *, directive: str, code: bool) -> str:
    """Return `text` in its normal form, or raise ConfigurationError.

    Threat: header injection, and directive injection through `;` or `,`: a source that ends its
    directive and begins another rewrites the policy. `code` says whether the directive governs
    scripts or styles, where alone nonces, hashes and most keywords have a meaning.
    """
    if text.startswith("'"):
        return _check_quoted(text, directive=directive, code=code)
    lowered = text.lower()
    if f"'{lowered}'" in _KEYWORDS:
        raise ConfigurationError(
            f"content security policy: {text} without quotes is no source but a host's name",
            fix=f"write \"'{lowered}'\", quotes included",
        )
    if _SCHEME.fullmatch(lowered):
        return lowered
    match = _HOST.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"content security policy: {text!r} is no source for {directive}",
            fix="write a keyword in quotes such as \"'self'\", a scheme such as https:, or a host"
            " such as https://static.example.com; encode `;` and `,` in paths as %3B and %2C",
        )
    path = match["path"] or ""
    return text[: len(text) - len(path)].lower() + path


def _check_quoted(text: str, *, directive: str, code: bool) -> str:
    lowered = text.lower()
    if lowered in {NONE, SELF}:
        return lowered
    if _FIXED_NONCE.fullmatch(text):
        raise ConfigurationError(
            f"content security policy: a nonce written into {directive} is the same for everyone",
            fix="write headers.NONCE: each response then gets its own",
        )
    meaningful = lowered in _KEYWORDS
    digest = _HASH.fullmatch(text)
    if digest is not None and len(digest[2]) == _DIGEST_LENGTHS[digest[1]]:
        meaningful = True
    elif meaningful:
        text = lowered
    if not meaningful:
        raise ConfigurationError(
            f"content security policy: {text!r} is no source for {directive}",
            fix="known keywords: 'self', 'none', " + ", ".join(sorted(CODE_KEYWORDS)),
        )
    if not code:
        raise ConfigurationError(
            f"content security policy: {text} has no meaning in {directive}",
            fix=f"list hosts, schemes, 'self' or 'none' in {directive}",
        )
    return text


def check_sources(sources: Iterable[str], *, directive: str, code: bool) -> tuple[str, ...]:
    """The normal form of a source list, without repetitions; raises ConfigurationError."""
    if isinstance(sources, str):
        raise ConfigurationError(
            f"content security policy: {directive} is text where a list is needed",
            fix=f'write ("{sources}",)',
        )
    checked = tuple(
        dict.fromkeys(check_source(text, directive=directive, code=code) for text in sources)
    )
    if not checked:
        raise ConfigurationError(
            f"content security policy: {directive} lists nothing",
            fix="write \"'none'\" to forbid all, or None to leave the directive out",
        )
    if NONE in checked and len(checked) > 1:
        raise ConfigurationError(
            f"content security policy: 'none' stands beside other sources in {directive}",
            fix="browsers ignore 'none' there; keep the one or the others",
        )
    if STRICT_DYNAMIC in checked and not any(is_proof(source) for source in checked):
        raise ConfigurationError(
            f"content security policy: 'strict-dynamic' in {directive} has no nonce and no hash",
            fix="add headers.NONCE: without one no script can start",
        )
    return checked


def is_proof(source: str) -> bool:
    """Whether `source` names single scripts or styles: the nonce or a hash."""
    return source == NONCE or _HASH.fullmatch(source) is not None


def is_anywhere(source: str) -> bool:
    """Whether an attacker can serve content that `source` matches.

    True for `*`, for whole schemes (`https:`, `data:`, `blob:`), for every host below a top-level
    domain, and for hosts reached without TLS, which anyone on the way can answer for.
    """
    if source.startswith("'"):
        return False
    match = _HOST.fullmatch(source)
    if match is None or source.endswith(":"):
        return True
    host = match["host"]
    if host in _LOOPBACK:
        return False
    return (
        host == "*"
        or (host.startswith("*.") and host.count(".") == 1)
        or match["scheme"] in ("http", "ws")
    )


def is_public_host(source: str) -> bool:
    """Whether `source` is a host on which anybody publishes scripts."""
    match = _HOST.fullmatch(source)
    if match is None:
        return False
    host = match["host"]
    if host.startswith("*."):
        return any(public.endswith(host[1:]) for public in PUBLIC_HOSTS)
    return host in PUBLIC_HOSTS


def without_nonce(sources: tuple[str, ...]) -> tuple[str, ...]:
    """What stays of a list when the response carries no nonce; never looser than with one.

    A nonce makes browsers ignore `'unsafe-inline'`, and `'strict-dynamic'` makes them ignore hosts
    and schemes: dropping the nonce alone would bring those to life.
    """
    if NONCE not in sources:
        return sources
    kept = [s for s in sources if s not in (NONCE, UNSAFE_INLINE)]
    if STRICT_DYNAMIC in sources:
        kept = [s for s in kept if is_proof(s) or (s in CODE_KEYWORDS and s != STRICT_DYNAMIC)]
        if any(is_proof(s) for s in kept):
            kept.append(STRICT_DYNAMIC)
    if all(s in CODE_KEYWORDS for s in kept):
        return (NONE,)
    return tuple(kept)
