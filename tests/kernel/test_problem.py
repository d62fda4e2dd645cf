from __future__ import annotations

import json

import pytest

from zenith.kernel.errors import (
    AuthenticationError,
    CsrfError,
    PermissionDeniedError,
    RateLimitError,
    ValidationError,
)
from zenith.kernel.problem import INTERNAL_ERROR, Problem, prefers_html

TWICE = "It did not answer. Try again."


def rendered(problem, **more):
    status, headers, body = problem.render(**{"request_id": "r1", "as_html": False} | more)
    assert dict(headers)[b"content-length"] == str(len(body)).encode()
    assert dict(headers)[b"cache-control"] == b"no-store"
    return status, dict(headers), body


def test_a_refusal_for_programs():
    error = AuthenticationError(
        "Token expired", reason="private", headers={"WWW-Authenticate": "B"}
    )
    status, headers, body = rendered(Problem.of(error))
    assert (status, headers[b"content-type"]) == (401, b"application/problem+json")
    assert headers[b"www-authenticate"] == b"B"
    assert json.loads(body) == {
        "type": "urn:zenith:problem:unauthenticated",
        "title": "Authentication required",
        "status": 401,
        "detail": "Token expired",
        "code": "unauthenticated",
        "instance": "urn:request:r1",
    }
    assert b"private" not in body


def test_a_refusal_for_people():
    problem = Problem.of(RateLimitError("<b>slow</b>", retry_after=3))
    status, headers, body = rendered(problem, as_html=True, request_id="<r>")
    assert (status, headers[b"retry-after"]) == (429, b"3")
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert b"&lt;b&gt;slow" in body
    assert b"&lt;r&gt;" in body
    assert b"<b>" not in body
    assert b"stylesheet" not in body


def test_people_are_told_more_than_the_title_again():
    for as_html, told in ((True, b"There is nothing"), (False, b'"detail": "Not found"')):
        assert told in rendered(Problem.of_status(404), as_html=as_html)[2]
    assert (
        b"<p>gone fishing</p>" in rendered(Problem.of_status(404, "gone fishing"), as_html=True)[2]
    )
    assert b"<p>Gone</p>" in rendered(Problem.of_status(410), as_html=True)[2]


def test_the_page_may_have_a_style_and_an_icon():
    _, _, body = rendered(INTERNAL_ERROR, as_html=True, stylesheet='/a"b.css', icon="/a.svg")
    assert b'<link rel="stylesheet" href="/a&quot;b.css">' in body
    assert b'<link rel="icon" href="/a.svg">' in body
    assert b"<link" not in rendered(INTERNAL_ERROR, as_html=True)[2]


def test_faults_are_a_list_for_programs_and_sentences_for_people():
    problem = Problem.of(ValidationError([{"msg": "too short", "loc": ["a"]}, "odd", {"x": 1}]))
    _, _, body = rendered(problem)
    assert json.loads(body)["detail"] == [{"msg": "too short", "loc": ["a"]}, "odd", {"x": 1}]
    _, _, page = rendered(problem, as_html=True)
    assert b"<p>too short; odd; None</p>" in page


def test_a_detail_of_any_shape():
    _, _, body = rendered(Problem.of_status(400, {"a": {1, 2}.__class__}))
    assert "set" in json.loads(body)["detail"]["a"]
    _, _, page = rendered(Problem.of_status(400, {"a": 1}), as_html=True)
    assert b"{&#x27;a&#x27;: 1}" in page


@pytest.mark.parametrize("detail", ["\ud800", "\x00", [{"msg": "\udfff"}], "日本"])
def test_no_text_breaks_the_renderer(detail):
    for as_html in (True, False):
        assert rendered(Problem.of_status(400, detail), as_html=as_html)[0] == 400


@pytest.mark.parametrize(
    ("status", "code", "title"),
    [
        (404, "not_found", "Not found"),
        (418, "i'm_a_teapot", "I'm a Teapot"),
        (599, "error", "Error"),
    ],
)
def test_bare_statuses(status, code, title):
    problem = Problem.of_status(status)
    assert (problem.code, problem.title, problem.detail) == (code, title, title)
    assert dict(problem.headers) == {}
    assert Problem.of_status(status, "why", {"A": "b"}).detail == "why"


def test_an_internal_error_says_nothing_of_what_happened():
    status, _, body = rendered(INTERNAL_ERROR)
    assert status == 500
    assert json.loads(body)["code"] == "internal_error"


@pytest.mark.parametrize(
    ("headers", "html"),
    [
        ({}, False),
        ({b"accept": b"*/*"}, False),
        ({b"accept": b"application/json"}, False),
        ({b"accept": b"text/html,*/*"}, True),
        ({b"sec-fetch-mode": b"navigate"}, True),
        ({b"sec-fetch-mode": b"cors", b"accept": b"text/html"}, False),
    ],
)
def test_who_looks_at_the_answer(headers, html):
    assert prefers_html(headers) is html


def test_people_read_no_words_of_programs():
    problem = Problem.of(CsrfError())
    _, _, page = rendered(problem, as_html=True)
    assert b"<h1>The form was not accepted</h1>" in page
    assert b"CSRF" not in page
    assert b"CSRF verification failed" in rendered(problem)[2]


def test_a_page_says_its_title_once():
    problem = Problem(status=502, code="c", title="It did not answer", detail=TWICE)
    assert rendered(problem, as_html=True)[2].count(b"It did not answer") == 2  # and in the tab
    assert b"<p>Try again.</p>" in rendered(problem, as_html=True)[2]
    assert TWICE.encode() in rendered(problem)[2]


def test_a_page_says_what_is_missing_in_a_sentence():
    problem = Problem.of(PermissionDeniedError("Permission denied: users:write required"))
    told = b"<p>Your account may not do this: users:write required.</p>"
    assert told in rendered(problem, as_html=True)[2]
    named = Problem.of_status(404, "Not found in the drawer")
    assert b"<p>Not found in the drawer</p>" in rendered(named, as_html=True)[2]
