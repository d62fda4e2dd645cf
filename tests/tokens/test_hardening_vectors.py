"""Lists of tokens and key sets: every invalid one is refused, every valid one accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import ALGORITHMS, KeyRing, TokenError, verify_compact

DOCUMENT = json.loads(
    (Path(__file__).parent.parent / "vectors" / "jose_hardening.json").read_text("utf-8")
)
GROUPS: list[dict[str, Any]] = DOCUMENT["groups"]
KEY_SETS: list[dict[str, Any]] = DOCUMENT["key_sets"]


def accepted(jws: str, ring: KeyRing, algorithms: frozenset[str]) -> bool:
    try:
        verify_compact(jws, ring, algorithms=algorithms)
    except TokenError:
        return False
    return True


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["comment"])
def test_tokens(group: dict[str, Any]) -> None:
    ring = KeyRing.from_jwks(group["jwks"])
    wrong = [
        (test["comment"], len(allowed))
        for test in group["tests"]
        for allowed in (frozenset(group["algorithms"]), ALGORITHMS)
        if accepted(test["jws"], ring, allowed) != (test["result"] == "valid")
    ]
    assert wrong == []
    assert len({test["result"] for test in group["tests"]}) == 2


def test_every_algorithm_has_its_list() -> None:
    assert {name for group in GROUPS for name in group["algorithms"]} == ALGORITHMS


@pytest.mark.parametrize("entry", KEY_SETS, ids=lambda entry: entry["comment"])
def test_key_sets(entry: dict[str, Any]) -> None:
    if entry["result"] == "valid":
        assert KeyRing.from_jwks(entry["jwks"]).keys
    else:
        with pytest.raises(ConfigurationError):
            KeyRing.from_jwks(entry["jwks"])
