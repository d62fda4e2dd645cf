from __future__ import annotations

import json

import pytest


@pytest.fixture
def rotating(zenith, monkeypatch):
    monkeypatch.setenv("ZENITH_TOKENS__ALGORITHM", "EdDSA")
    return zenith


def listed(zenith):
    return json.loads(zenith("keys", "list", "--json").stdout)["keys"]


def test_a_key_is_published_before_it_signs(rotating):
    ((first),) = listed(rotating)
    assert (first["state"], first["algorithm"]) == ("signs", "EdDSA")
    assert first["verifies_until"] is None
    said = rotating("keys", "rotate").stdout
    assert "signs in an hour" in said
    old, new = listed(rotating)
    assert (old["kid"], old["state"], new["state"]) == (first["kid"], "signs", "planned")
    assert new["kid"] in said
    assert old["verifies_until"] > new["signs_at"] > new["created_at"]


def test_after_a_theft_all_former_keys_are_refused(rotating):
    ((stolen),) = listed(rotating)
    answer = rotating("keys", "rotate", "--retire", "--json")
    assert json.loads(answer.stdout)["retired"] == [stolen["kid"]]
    states = {key["kid"]: key["state"] for key in listed(rotating)}
    assert states.pop(stolen["kid"], "retired") == "retired"
    assert list(states.values()) == ["signs"]
    again = rotating("keys", "rotate", "--retire").stdout
    assert "is retired: its tokens are refused" in again


def test_a_key_is_retired_once_it_no_longer_signs(rotating):
    ((first),) = listed(rotating)
    refused = rotating("keys", "retire", first["kid"])
    assert refused.exit_code != 0
    assert "rotate first" in refused.output
    assert "signs now" in rotating("keys", "rotate", "--now").stdout
    assert [key["state"] for key in listed(rotating)] == ["verifies", "signs"]
    table = rotating("keys", "list").stdout
    assert first["kid"] in table
    assert "retired" in rotating("keys", "retire", first["kid"]).stdout
    again = rotating("keys", "retire", "unknown", "--json")
    assert json.loads(again.stdout) == {"kid": "unknown", "retired": False}


def test_where_the_secret_signs_there_is_nothing_to_rotate(zenith):
    answer = zenith("keys", "list")
    assert answer.exit_code == 2
    assert "ZENITH_PREVIOUS_SECRET_KEYS" in answer.output
