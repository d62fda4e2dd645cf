"""Reports of browsers: every type in both formats, and what is kept of each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from zenith.headers import BrowserReport
from zenith.headers.report_text import describe, host_of, name_of, path_of
from zenith.headers.reports import LEGACY, MAX_REPORTS, REPORTS, read_reports
from zenith.kernel.errors import BadRequestError

HOSTS = {"app.example.org"}
PAGE = "https://app.example.org/shop/basket?token=secret#x"


def modern(*reports):
    return read_reports(json.dumps(reports).encode(), media_type=REPORTS, hosts=HOSTS)


def legacy(**told):
    body = json.dumps({"csp-report": told}).encode()
    return read_reports(body, media_type=LEGACY, hosts=HOSTS)


INLINE = BrowserReport(
    kind="csp",
    directive="script-src-elem",
    blocked="inline",
    document="/shop/basket",
    source="/static/app.js",
    disposition="enforce",
)


def test_a_violation_of_the_reporting_api():
    body = {
        "documentURL": PAGE,
        "blockedURL": "inline",
        "effectiveDirective": "script-src-elem",
        "sourceFile": "https://app.example.org/static/app.js?v=1",
        "disposition": "enforce",
        "sample": "alert('a secret')",
        "originalPolicy": "default-src 'none'",
    }
    assert modern({"type": "csp-violation", "url": PAGE, "body": body}) == [INLINE]


def test_a_violation_of_older_browsers():
    told = {
        "document-uri": PAGE,
        "blocked-uri": "inline",
        "effective-directive": "script-src-elem",
        "source-file": "https://app.example.org/static/app.js",
        "disposition": "enforce",
    }
    assert legacy(**told) == [INLINE]
    # Still older ones name the directive with its sources, and say nothing of enforcement.
    told = {
        "document-uri": PAGE,
        "blocked-uri": "https://cdn.example/x.js?key=1",
        "violated-directive": "SCRIPT-SRC 'self' https://a.example",
    }
    assert legacy(**told) == [
        replace(
            INLINE,
            directive="script-src",
            blocked="https://cdn.example",
            source="",
            disposition="",
        )
    ]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "coop",
            {
                "type": "navigation-to-response",
                "disposition": "reporting",
                "previousResponseURL": "https://a.example/x?y",
            },
            ("coop", "navigation-to-response", "https://a.example", "report"),
        ),
        (
            "coep",
            {"type": "worker initialization", "blockedURL": "https://a.example/w.js"},
            ("coep", "worker-initialization", "https://a.example", ""),
        ),
        (
            "network-error",
            {"type": "tcp.timed_out", "server_ip": "192.0.2.1", "referrer": PAGE},
            ("network", "tcp.timed_out", "", ""),
        ),
        ("deprecation", {"id": "PrefixedStorageInfo"}, ("deprecation", "PrefixedStorageInfo")),
        ("intervention", {"id": "HeavyAd", "message": "x"}, ("intervention", "HeavyAd")),
        ("crash", {"reason": "oom"}, ("crash", "oom")),
        ("crash", {}, ("crash", "other")),
        (
            "permissions-policy-violation",
            {"featureId": "camera", "disposition": "enforce"},
            ("permissions", "camera", "", "enforce"),
        ),
        (
            "integrity-violation",
            {"blockedURL": "https://a.example/x.js", "destination": "script"},
            ("integrity", "script", "https://a.example"),
        ),
        ("csp-violation", {"effectiveDirective": "made-up-src"}, ("csp", "other")),
        ("csp-violation", {"effectiveDirective": ["img-src"]}, ("csp", "other")),
        ("csp-violation", {"disposition": {"a": 1}, "blockedURL": 7}, ("csp", "other")),
    ],
)
def test_other_types(kind, body, expected):
    (found,) = modern({"type": kind, "url": PAGE, "age": 10, "user_agent": "x", "body": body})
    parts = (found.kind, found.directive, found.blocked, found.disposition)
    assert parts == (*expected, "", "", "")[:4]
    assert found.document == "/shop/basket"


def test_what_is_none_of_ours_is_left_out():
    body = {"blockedURL": "inline", "effectiveDirective": "img-src"}
    assert modern({"type": "csp-violation", "url": "https://evil.example/", "body": body}) == []
    assert modern({"type": "csp-violation", "url": "ftp://app.example.org/", "body": body}) == []
    assert modern({"type": "csp-violation", "body": body}) == []
    assert modern({"type": "csp-violation", "url": PAGE, "body": None}) == []
    assert modern({"type": "a-type-of-tomorrow", "url": PAGE, "body": {}}) == []
    assert modern() == []
    assert len(modern({"type": "csp-violation", "url": "about:srcdoc", "body": body})) == 1


def test_a_single_report_without_a_list():
    report = {"type": "crash", "url": PAGE, "body": {}}
    body = json.dumps(report).encode()
    assert len(read_reports(body, media_type=REPORTS, hosts=HOSTS)) == 1


def test_of_a_long_list_the_first_count():
    report = {"type": "crash", "url": PAGE, "body": {}}
    assert len(modern(*[report] * (MAX_REPORTS + 10))) == MAX_REPORTS


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"1" * 5000, b"[" * 60_000, b"[[]]", b"[1]", b"7", b'[{"type":1}]']
)
@pytest.mark.parametrize("media_type", [REPORTS, LEGACY])
def test_what_is_no_report_is_refused(body, media_type):
    with pytest.raises(BadRequestError):
        read_reports(body, media_type=media_type, hosts=HOSTS)


@pytest.mark.parametrize("told", [None, [], "x", 7])
def test_a_legacy_report_is_an_object(told):
    with pytest.raises(BadRequestError):
        read_reports(json.dumps({"csp-report": told}).encode(), media_type=LEGACY, hosts=HOSTS)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (None, ""),
        ("", ""),
        (7, ""),
        ("inline", "inline"),
        ("eval", "eval"),
        ("nonsense", "other"),
        ("javascript:alert(1)", "other"),
        ("data:text/html,<b>", "data:"),
        ("blob:https://app.example.org/1", "blob:"),
        ("chrome-extension://abcdefgh/x.js", "chrome-extension:"),
        ("https://app.example.org", "/"),
        ("https://APP.example.org:443/a/b?c#d", "/a/b"),
        ("http://app.example.org:80/a", "/a"),
        ("https://app.example.org:8443/a", "https://app.example.org:8443"),
        ("https://user:password@app.example.org/a", "/a"),
        ("https://user:password@a.example/path", "https://a.example"),
        ("wss://a.example/s?key=1", "wss://a.example"),
        ("https://[2001:db8::1]:9/x", "https://[2001:db8::1]:9"),
        ("https://a.example\\@b.example/", "other"),
        ("https://a b/", "other"),
        ("https://a.example/\n\x1b[31m", "https://a.example"),
    ],
)
def test_addresses(address, kept):
    assert describe(address, HOSTS) == kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "/"),
        ("/account/sign-out-everywhere", "/account/sign-out-everywhere"),
        ("/users/17", "/users/*"),
        ("/users/9f0b1c2d-6a8e-4b52-9d5e-0f8f2f1c7a11/edit", "/users/*/edit"),
        ("/setup/kJ3nVb2mQx9ZtYr5WcE8uI1oP4aS6dF7gH0jK2lM3n", "/setup/*"),
        ("/invite/ABCDEFGHIJKLMNOPQRSTUVWXYZABCD", "/invite/*"),
        ("/reset/abcDEFghiJKLmnoPQR", "/reset/*"),
        ("/static/app.4f3a9b1c.js", "/static/*.js"),
        ("/mail/ada@example.org", "/mail/*.org"),
        ("/a%0d%0aSet-Cookie:x", "/*"),
        ("/a\r\nb", "/*"),
        ("/été", "/*"),
        ("/v1/oauth2", "/v1/oauth2"),
    ],
)
def test_paths_lose_ids_tokens_and_names(path, kept):
    assert path_of(path) == kept


def test_long_paths_are_cut():
    assert path_of("/a" * 500) == "/a" * 100 + "/*"


def test_names():
    assert name_of(" tcp.timed_out ") == "tcp.timed_out"
    assert [name_of(each) for each in (None, 7, "", "a\nb", "<b>", "x" * 65)] == [""] * 6


def test_the_port_of_the_scheme_is_not_written():
    assert host_of("App.Example.org:443", secure=True) == "app.example.org"
    assert host_of("app.example.org:80", secure=False) == "app.example.org"
    assert host_of("localhost:8000", secure=False) == "localhost:8000"


def test_one_key_for_the_same_report():
    assert INLINE.key == replace(INLINE).key
    others = [
        replace(INLINE, **{name: "x"})
        for name in ("kind", "directive", "blocked", "document", "source", "disposition")
    ]
    assert len({each.key for each in (INLINE, INLINE.folded, *others)}) == 8


def test_what_is_folded_is_little():
    assert INLINE.folded == BrowserReport(
        kind="csp", directive="script-src-elem", blocked="", document="", disposition="enforce"
    )
    deprecated = BrowserReport(kind="deprecation", directive="AnyName", blocked="", document="/")
    assert deprecated.folded.directive == ""
