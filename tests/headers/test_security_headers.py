"""The compiled set: what it adds, what it takes away, and whose value counts."""

from __future__ import annotations

import json

import pytest

from zenith.headers import NONE, SELF, ContentSecurityPolicy, HeadersSettings, SecurityHeaders

NONCE_VALUE = "A" * 22


def fields(settings=None, *, secure=True, nonce=None):
    return dict(SecurityHeaders(settings).fields(secure=secure, nonce=nonce))


def applied(headers, settings=None, **options):
    raw = list(headers)
    SecurityHeaders(settings).apply(raw, **{"secure": True, **options})
    return raw


def values(raw, name):
    return [value for key, value in raw if key == name]


def test_guide_set_without_what_browsers_dropped():
    found = fields()
    assert found[b"strict-transport-security"] == b"max-age=63072000; includeSubDomains"
    assert found[b"x-frame-options"] == b"DENY"
    assert found[b"x-content-type-options"] == b"nosniff"
    assert found[b"referrer-policy"] == b"strict-origin-when-cross-origin"
    assert b"camera=()" in found[b"permissions-policy"]
    assert found[b"x-permitted-cross-domain-policies"] == b"none"
    assert found[b"cross-origin-opener-policy"] == b"same-origin"
    assert found[b"cross-origin-resource-policy"] == b"same-origin"
    assert found[b"origin-agent-cluster"] == b"?1"
    assert found[b"x-dns-prefetch-control"] == b"off"
    assert b"script-src 'none'" in found[b"content-security-policy"]
    assert b"expect-ct" not in found
    assert b"x-xss-protection" not in found
    assert b"cross-origin-embedder-policy" not in found


def test_plain_http_carries_no_hsts():
    assert b"strict-transport-security" not in fields(secure=False)
    assert applied([(b"strict-transport-security", b"max-age=0")], secure=False) == [
        *SecurityHeaders().fields(secure=False)
    ]


def test_preload_by_name():
    found = fields(HeadersSettings(hsts_preload=True))
    assert found[b"strict-transport-security"].endswith(b"; includeSubDomains; preload")


@pytest.mark.parametrize(
    ("ancestors", "expected"),
    [((NONE,), b"DENY"), ((SELF,), b"SAMEORIGIN"), (("https://portal.example.com",), None)],
)
def test_frame_options_follow_the_policy(ancestors, expected):
    policy = ContentSecurityPolicy(frame_ancestors=ancestors)
    assert fields(HeadersSettings(policy=policy)).get(b"x-frame-options") == expected


def test_optional_headers():
    settings = HeadersSettings(
        embedder_policy="require-corp",
        hsts_include_subdomains=False,
        allow_short_hsts=True,
        report_path="/reports",
        report_only_policy=ContentSecurityPolicy(require_trusted_types=True),
        extra={"X-Team": "blue"},
    )
    found = fields(settings, nonce=NONCE_VALUE)
    assert found[b"cross-origin-embedder-policy"] == b'require-corp; report-to="csp"'
    assert found[b"cross-origin-opener-policy"] == b'same-origin; report-to="csp"'
    assert found[b"strict-transport-security"] == b"max-age=63072000"
    assert found[b"reporting-endpoints"] == b'csp="/reports", default="/reports"'
    assert found[b"x-team"] == b"blue"
    for name in (b"content-security-policy", b"content-security-policy-report-only"):
        assert found[name].endswith(b"report-uri /reports; report-to csp")
        assert b"'nonce-" + NONCE_VALUE.encode() in found[name]
    assert b"require-trusted-types-for" not in found[b"content-security-policy"]
    assert b"require-trusted-types-for" in found[b"content-security-policy-report-only"]


def test_own_report_addresses_stay():
    policy = ContentSecurityPolicy(report_uri=("/mine",), report_to="mine")
    found = fields(HeadersSettings(policy=policy, report_path="/reports"))
    assert found[b"content-security-policy"].endswith(b"report-uri /mine; report-to mine")


@pytest.mark.parametrize(
    ("headers", "options", "stored"),
    [
        ([], {}, []),
        ([], {"private": True}, [b"no-store"]),
        ([(b"Set-Cookie", b"a=b")], {}, [b"no-store"]),
        ([], {"nonce": NONCE_VALUE}, [b"no-store"]),
        ([(b"cache-control", b"private, max-age=60")], {"private": True}, [b"private, max-age=60"]),
    ],
)
def test_private_answers_are_not_stored(headers, options, stored):
    assert values(applied(headers, **options), b"cache-control") == stored


def test_private_answers_in_caches_by_name():
    settings = HeadersSettings(allow_private_answers_in_caches=True)
    assert values(applied([], settings, private=True), b"cache-control") == []


def test_not_modified_keeps_the_cached_policy():
    raw = applied([], status=304)
    assert values(raw, b"content-security-policy") == []
    assert values(raw, b"x-content-type-options") == [b"nosniff"]


def test_what_tells_the_server_is_removed():
    raw = applied([(b"Server", b"x/1.2"), (b"x-powered-by", b"y"), (b"expect-ct", b"max-age=1")])
    assert not {b"server", b"Server", b"x-powered-by", b"expect-ct"} & {name for name, _ in raw}


def test_other_headers_stay_as_they_are():
    raw = applied([(b"X-Mine", b"1"), (b"server", b"x")])
    assert raw[0] == (b"X-Mine", b"1")


@pytest.mark.parametrize(
    ("name", "theirs", "expected"),
    [
        (b"referrer-policy", b"No-Referrer", b"No-Referrer"),
        (b"referrer-policy", b"unsafe-url", b"strict-origin-when-cross-origin"),
        (b"referrer-policy", b"bogus", b"strict-origin-when-cross-origin"),
        (b"x-frame-options", b"ALLOWALL", b"DENY"),
        (b"x-frame-options", b"SAMEORIGIN", b"DENY"),
        (b"cross-origin-resource-policy", b"cross-origin", b"same-origin"),
        (b"x-content-type-options", b"sniff", b"nosniff"),
        (b"permissions-policy", b"camera=*", None),
        (b"strict-transport-security", b"max-age=0", b"max-age=63072000; includeSubDomains"),
    ],
)
def test_the_stricter_value_counts(name, theirs, expected):
    found = values(applied([(name.title(), theirs)]), name)
    assert found == [expected or fields()[name]]


def test_stricter_than_a_loosened_setting():
    settings = HeadersSettings(resource_policy="cross-origin")
    raw = applied([(b"cross-origin-resource-policy", b"same-site")] * 2, settings)
    assert values(raw, b"cross-origin-resource-policy") == [b"same-site"]


def test_stricter_than_a_value_outside_the_order():
    settings = HeadersSettings(referrer_policy="unsafe-url", allow_referrer_leaks=True)
    raw = applied([(b"referrer-policy", b"strict-origin")], settings)
    assert values(raw, b"referrer-policy") == [b"strict-origin"]


def test_a_handlers_policy_stands_beside_ours():
    raw = applied([(b"Content-Security-Policy", b"default-src *")])
    found = values(raw, b"content-security-policy")
    assert found == [b"default-src *", fields()[b"content-security-policy"]]


def test_a_handlers_policy_replaces_ours_by_name():
    settings = HeadersSettings(allow_handlers_to_replace_policy=True)
    raw = applied([(b"content-security-policy", b"default-src *")], settings)
    assert values(raw, b"content-security-policy") == [b"default-src *"]


def test_over_plain_http_only_policies_are_reported():
    """Browsers take no endpoints there, and one that is named silences the path."""
    found = fields(HeadersSettings(report_path="/reports"), secure=False)
    assert found[b"content-security-policy"].endswith(b"; report-uri /reports")
    assert b"reporting-endpoints" not in found
    assert found[b"cross-origin-opener-policy"] == b"same-origin"


def test_failed_requests_are_reported_by_name_and_over_https_only():
    settings = HeadersSettings(report_path="/reports", network_errors=True)
    found = fields(settings)
    group = json.loads(found[b"report-to"])
    assert group["endpoints"] == [{"url": "/reports"}]
    assert json.loads(found[b"nel"]) == {"report_to": group["group"], "max_age": 2_592_000}
    assert not {b"nel", b"report-to"} & fields(settings, secure=False).keys()
    assert not {b"nel", b"report-to"} & fields(HeadersSettings(report_path="/reports")).keys()


def test_what_keeps_nothing_apart_has_nothing_to_report():
    settings = HeadersSettings(
        report_path="/reports", opener_policy="unsafe-none", embedder_policy="credentialless"
    )
    found = fields(settings)
    assert found[b"cross-origin-opener-policy"] == b"unsafe-none"
    assert found[b"cross-origin-embedder-policy"] == b'credentialless; report-to="csp"'


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        (b"unsafe-none", b'credentialless; report-to="csp"'),
        (b'unsafe-none; report-to="x"', b'credentialless; report-to="csp"'),
        (b"require-corp", b"require-corp"),
        (b'require-corp; report-to="x"', b'require-corp; report-to="x"'),
    ],
)
def test_where_to_report_makes_nothing_stricter_or_looser(theirs, kept):
    settings = HeadersSettings(report_path="/reports", embedder_policy="credentialless")
    raw = applied([(b"cross-origin-embedder-policy", theirs)], settings)
    assert values(raw, b"cross-origin-embedder-policy") == [kept]
