"""What public graders say of the default answers: the best grade, and nothing to mend."""

from __future__ import annotations

import pytest

from tests.console.conftest import https_house, open_house
from tests.headers.graders import HIGH, INFO, STRICT_CSP, Answer, evaluate, grade
from zenith.console.static import asset
from zenith.headers import ContentSecurityPolicy

__all__ = ["https_house", "open_house"]
JSON, HTML = {"accept": "application/json"}, {"accept": "text/html"}

OLD_BROWSERS = {
    (STRICT_CSP, "no fallback for browsers without nonces", "script-src"),
    (STRICT_CSP, "no fallback for browsers without strict-dynamic", "script-src"),
}
"""Advice for browsers of before 2017 and 2022, which would run any injected script by it."""
TRUSTED_TYPES = {(INFO, "no trusted types", "require-trusted-types-for")}
"""Advice that breaks many a library; one setting (`require_trusted_types`) follows it."""


def answers(house):
    """One of each kind: pages of visitors and members, JSON, refusals, files, documentation."""
    anybody, ada = house.visitor().client, house.ada.client
    yield "start page", anybody.get("/", headers=HTML)
    yield "sign-in", anybody.get("/account/sign-in", headers=HTML)
    yield "account", ada.get("/account/", headers=HTML)
    yield "administration", ada.get("/admin/reports", headers=HTML)
    yield "documentation", anybody.get("/docs", headers=HTML)
    yield "description", anybody.get("/openapi.json", headers=JSON)
    yield "health", anybody.get("/healthz", headers=JSON)
    yield "not found, for people", anybody.get("/nowhere", headers=HTML)
    yield "not found, for programs", anybody.get("/nowhere", headers=JSON)
    yield "unauthenticated", anybody.get("/auth/me", headers=JSON)
    yield "forbidden", anybody.post("/account/sign-in", data={"email": "x"}, headers=HTML)
    yield "invalid", anybody.post("/auth/login", json={"x": 1}, headers=JSON)
    yield "style sheet", anybody.get(asset("console.css"))


@pytest.fixture(scope="module")
def seen(request):
    house = request.getfixturevalue("https_house")
    return dict(answers(house))


def test_the_observatory_gives_the_best_grade(seen):
    for name, answer in seen.items():
        cookies = answer.headers.get_list("set-cookie")
        letter, points, results = grade(Answer(answer.headers, cookies, answer.text))
        assert (letter, points >= 120) == ("A+", True), (name, points, results)


def test_the_evaluator_finds_nothing_but_advice_for_old_browsers(seen):
    for name, answer in seen.items():
        findings = evaluate(answer.headers["content-security-policy"])
        scripts = "nonce-" in answer.headers["content-security-policy"]
        assert findings == TRUSTED_TYPES | (OLD_BROWSERS if scripts else set()), name


def test_pages_with_and_without_scripts_were_graded(seen):
    shown = [name for name, answer in seen.items() if answer.status_code == 200]
    assert shown == [*list(seen)[:7], "style sheet"]
    policies = {name: answer.headers["content-security-policy"] for name, answer in seen.items()}
    assert "'nonce-" in policies["documentation"]
    assert "script-src 'none'" in policies["health"]


def test_by_one_setting_there_is_no_advice_left():
    policy = ContentSecurityPolicy(require_trusted_types=True, report_uri=("/reports",))
    assert evaluate(policy.serialize()) == set()
    assert evaluate(policy.serialize(nonce="A" * 22)) == OLD_BROWSERS


@pytest.mark.parametrize(
    ("policy", "finding"),
    [
        ("script-src 'unsafe-inline'", (HIGH, "unsafe-inline", "script-src")),
        ("default-src *", (HIGH, "wildcard", "default-src")),
        ("script-src https:", (HIGH, "plain scheme", "script-src")),
        ("img-src 'self'", (HIGH, "missing", "object-src")),
        ("img-src 'self'", (HIGH, "missing", "script-src")),
        ("script-src 'nonce-AAAAAAAAAAAA'", (HIGH, "missing", "base-uri")),
        ("script-src 'nonce-short'", (30, "short nonce", "script-src")),
        ("script-src self", (20, "keyword without quotes", "script-src")),
        ("script-src 'slef'", (20, "invalid keyword", "script-src")),
        ("scrip-src 'self'", (20, "unknown directive", "scrip-src")),
        ("script-src 'self' object-src 'none'", (20, "missing semicolon", "script-src")),
        ("script-src a.example", (STRICT_CSP, "no strict-dynamic", "script-src")),
        ("script-src 'self'", (50, "allow-list", "script-src")),
        ("object-src a.example", (50, "allow-list", "object-src")),
        ("script-src 'unsafe-eval'", (50, "unsafe-eval", "script-src")),
        ("report-uri http://a.example/", (30, "http", "report-uri")),
        ("report-to x", (INFO, "report-to only", "report-uri")),
    ],
)
def test_the_evaluator_does_find(policy, finding):
    assert finding in evaluate(policy)


@pytest.mark.parametrize(
    ("change", "letter"),
    [
        ({"content-security-policy": "default-src 'self' 'unsafe-inline'"}, "B"),
        ({"strict-transport-security": "max-age=60"}, "A"),
        ({"access-control-allow-origin": "*"}, "F"),
        ({"cross-origin-resource-policy": "cross-origin"}, "B+"),
        ({"set-cookie": "sid=1; Secure"}, "B"),
    ],
)
def test_the_observatory_does_take_points(seen, change, letter):
    cookies = [change.pop("set-cookie")] if "set-cookie" in change else []
    headers = {**seen["health"].headers, **change}
    assert grade(Answer(headers, cookies, ""))[0][0] == letter[0]
