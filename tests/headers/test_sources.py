"""Sources: the grammar of CSP Level 3 section 2.3.1, and nothing beside it."""

from __future__ import annotations

import pytest

from zenith.headers.sources import (
    NONCE,
    NONE,
    SELF,
    check_source,
    check_sources,
    is_anywhere,
    is_public_host,
    without_nonce,
)
from zenith.kernel.errors import ConfigurationError

HASH = "'sha256-" + "A" * 43 + "='"


@pytest.mark.parametrize(
    "text",
    [
        "https:",
        "data:",
        "example.com",
        "*.example.com",
        "localhost:8000",
        "https://example.com",
        "https://example.com:8443/scripts/a-b_c.js",
        "wss://example.com:*",
        "*",
        "https://example.com/a%3Bb%2Cc",
        SELF,
    ],
)
def test_accepted(text):
    assert check_source(text, directive="img-src", code=False) == text


@pytest.mark.parametrize("text", [NONCE, HASH, "'strict-dynamic'", "'wasm-unsafe-eval'"])
def test_accepted_for_code_only(text):
    assert check_source(text, directive="script-src", code=True) == text
    with pytest.raises(ConfigurationError, match="no meaning in img-src"):
        check_source(text, directive="img-src", code=False)


def test_digests_keep_their_case():
    text = "'sha256-" + "aB" * 21 + "c='"
    assert check_source(text, directive="script-src", code=True) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "self",
        "None",
        "unsafe-inline",
        "'self",
        "'own'",
        "'sha256-AAAA'",
        "'sha1-AAAA'",
        "https://",
        "https://exa mple.com",
        "https://example.com/?q",
        "https://example.com#f",
        "https://example.com:port",
        "https://user@example.com",
        "a.*.example.com",
        "**",
        "[::1]",
        "exämple.com",
    ],
)
def test_refused(text):
    with pytest.raises(ConfigurationError, match="no source"):
        check_source(text, directive="script-src", code=True)


def test_lists():
    with pytest.raises(ConfigurationError, match="is text"):
        check_sources("'self'", directive="img-src", code=False)
    with pytest.raises(ConfigurationError, match="lists nothing"):
        check_sources((), directive="img-src", code=False)
    with pytest.raises(ConfigurationError, match="stands beside"):
        check_sources((NONE, SELF), directive="img-src", code=False)


@pytest.mark.parametrize(
    ("source", "anywhere"),
    [
        ("*", True),
        ("https:", True),
        ("data:", True),
        ("https://*", True),
        ("*:443", True),
        ("*.com", True),
        ("http://example.com", True),
        ("ws://example.com", True),
        ("http://localhost:5173", False),
        ("example.com", False),
        ("https://*.example.com", False),
        (SELF, False),
    ],
)
def test_anywhere(source, anywhere):
    assert is_anywhere(source) is anywhere


@pytest.mark.parametrize(
    ("source", "public"),
    [
        ("https://unpkg.com", True),
        ("unpkg.com/react@18/", True),
        ("*.jsdelivr.net", True),
        ("https://scripts.example.com", False),
        (SELF, False),
    ],
)
def test_public_hosts(source, public):
    assert is_public_host(source) is public


@pytest.mark.parametrize(
    ("sources", "left"),
    [
        ((SELF,), (SELF,)),
        ((SELF, NONCE), (SELF,)),
        ((NONCE,), (NONE,)),
        ((NONCE, "'strict-dynamic'", "'report-sample'"), (NONE,)),
        ((NONCE, "'unsafe-inline'"), (NONE,)),
        ((NONCE, "'strict-dynamic'", "https:", "'unsafe-inline'"), (NONE,)),
        ((NONCE, "'strict-dynamic'", HASH, SELF), (HASH, "'strict-dynamic'")),
        ((NONCE, HASH), (HASH,)),
    ],
)
def test_without_nonce_nothing_gets_looser(sources, left):
    assert without_nonce(sources) == left
