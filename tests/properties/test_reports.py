"""Whatever is sent as a report, what is kept of it is short, harmless and tells nothing."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from zenith.headers.report_text import describe, path_of
from zenith.headers.reports import LEGACY, REPORTS, read_reports
from zenith.kernel.errors import BadRequestError

HARMLESS = re.compile(r"[A-Za-z0-9._~*:/\[\]-]{0,300}")
ADDRESSES = st.one_of(
    st.text(),
    st.builds(
        "{}:{}{}@{}{}{}".format,
        st.sampled_from(["https", "http", "data", "about", "blob", "x-y", "javascript"]),
        st.sampled_from(["//", "", "/", "\\\\"]),
        st.text(max_size=5),
        st.sampled_from(["app.example.org", "[::1]", "a", "a b", "é", "A.B:1"]),
        st.text(max_size=30),
        st.text(max_size=30),
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ADDRESSES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
NAMES = (
    *("documentURL", "blockedURL", "effectiveDirective", "sourceFile", "disposition", "type"),
    *("document-uri", "blocked-uri", "violated-directive", "source-file", "id", "reason"),
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)


@settings(max_examples=60)
@given(ADDRESSES)
def test_addresses(text):
    assert HARMLESS.fullmatch(describe(text, {"app.example.org"}))
    assert HARMLESS.fullmatch(path_of("/" + text))
    assert path_of(path_of("/" + text)) == path_of("/" + text)


@settings(max_examples=60)
@given(st.sampled_from(["csp-violation", "coop", "deprecation", "crash", "x"]), BODIES, VALUES)
def test_reports(kind, told, url):
    body = json.dumps([{"type": kind, "url": url, "body": told}]).encode()
    found = read_reports(body, media_type=REPORTS, hosts={"app.example.org"})
    body = json.dumps({"csp-report": told}).encode()
    found += read_reports(body, media_type=LEGACY, hosts={"app.example.org"})
    for report in found:
        parts = (report.directive, report.blocked, report.document, report.source)
        assert all(HARMLESS.fullmatch(part) for part in parts), parts
        assert report.document.startswith(("/", "about:", "data:", "blob:"))
        assert len(report.key) == 64


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=200), VALUES.map(lambda value: json.dumps(value).encode())))
def test_anything_at_all(body):
    for media_type in (REPORTS, LEGACY):
        try:
            read_reports(body, media_type=media_type, hosts=set())
        except BadRequestError:
            continue
