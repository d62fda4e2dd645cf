from __future__ import annotations

from zenith.authorization import ALLOW, Decision


def test_allow_and_deny():
    assert ALLOW.allowed
    assert not ALLOW.denied
    denial = Decision(allowed=False, detail="d", reason="r")
    assert denial.denied
    assert (denial.detail, denial.reason) == ("d", "r")
