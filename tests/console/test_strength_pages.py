"""What a password is worth, for the pages that ask for one."""

from __future__ import annotations

import pytest

PATH = "/account/password-strength"
STRONG = "violet tractor pond ninety"


def ask(visitor, password, *, headers=None, **more):
    return visitor.client.post(PATH, json={"password": password, **more}, headers=headers or {})


def test_candidates_are_judged_as_the_form_will(house):
    visitor = house.visitor()
    weak = ask(visitor, "password1")
    assert weak.status_code == 200
    assert weak.headers["cache-control"] == "no-store"
    assert "set-cookie" not in weak.headers
    assert weak.json()["score"] == 0
    assert weak.json()["is_taken"] is False
    assert "Use at least 15 characters" in weak.json()["advice"]
    strong = ask(visitor, STRONG).json()
    assert strong == {"score": 4, "word": "Strong", "is_taken": True, "advice": []}


def test_what_the_form_says_of_the_account_counts(house):
    visitor = house.visitor()
    own = ask(visitor, "adalovelace-adalovelace", about=["Ada Lovelace", "ada@example.org"])
    assert own.json()["is_taken"] is False
    assert own.json()["score"] <= 1


@pytest.mark.parametrize(
    "body",
    [
        {"password": "x" * 1025},
        {"password": None},
        {"password": STRONG, "about": ["x"] * 5},
        {"password": STRONG, "about": ["x" * 255]},
        {"password": STRONG, "more": 1},
        [],
    ],
)
def test_bad_input_is_refused_and_not_repeated(house, body):
    answer = house.visitor().client.post(PATH, json=body)
    assert answer.status_code == 422
    assert STRONG not in answer.text
    assert "xxxx" not in answer.text


def test_another_site_cannot_ask(house):
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert ask(house.visitor(), STRONG, headers=headers).status_code == 403


def test_nothing_of_a_candidate_is_logged(house, caplog):
    with caplog.at_level("DEBUG"):
        ask(house.visitor(), STRONG, about=["Ada"])
    assert STRONG not in caplog.text
