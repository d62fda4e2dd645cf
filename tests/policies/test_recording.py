"""Recorded decisions, and what another version would have said."""

from __future__ import annotations

import logging
from collections import UserDict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.policies import Reference
from zenith.policies.dry_run import dry_run, facts_of
from zenith.policies.policy import Policy
from zenith.policies.recording import MAX_WAITING, DecisionRecorder
from zenith.policies.store import RecordedDecision
from zenith.stores.memory import MemoryDecisionStore


def cond(attribute: str, value: Any, operator: str = "equals") -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "value": value}


def policy(*conditions: dict[str, Any], effect: str = "allow", **extra: Any) -> Policy:
    rule = {"action": "read", "effect": effect, "conditions": list(conditions)}
    return Policy("documents", [rule, *extra.get("more", ())])


async def record(
    rules: Policy, subject: object, resource: object, *also: Reference
) -> RecordedDecision:
    store = MemoryDecisionStore()
    recorder = DecisionRecorder(store, also=also, clock=lambda: 5.0)
    allowed = rules.evaluate(subject, resource, "read")
    recorder.note(rules, 3, allowed=allowed, facts=(subject, resource, None, "read"))
    await recorder.flush()
    (kept,) = await store.recent(rules.name, limit=9)
    return kept


async def test_what_the_policy_asks_for_is_kept_and_nothing_else() -> None:
    rules = policy(cond("subject.id", "resource.owner"), cond("context.place", "x"))
    kept = await record(rules, {"id": "ada", "name": "Ada"}, {"owner": "ada", "text": "private"})
    assert kept.facts == {"subject.id": "ada", "resource.owner": "ada", "context.place": None}
    assert (kept.number, kept.at, kept.action, kept.allowed) == (3, 5.0, "read", False)
    more = await record(rules, {"id": "ada"}, {"team": 7}, Reference("resource", ("team",)))
    assert more.facts["resource.team"] == {"int": "7"}


@pytest.mark.parametrize(
    "name", ["password", "passwordHash", "api_key", "access-token", "otp", "PIN", "session_secret"]
)
async def test_names_of_secrets_are_left_out(name: str) -> None:
    kept = await record(policy(cond(f"resource.{name}", "x")), {}, {name: "x"})
    assert kept.facts == {}
    assert kept.allowed


@pytest.mark.parametrize(
    "value",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.abc",
        "zk_abcdefghijklmnopqrstuvwxyz",
        "x" * 257,
        list(range(65)),
        b"bytes",
        {"a": 1},
        float("nan"),
    ],
)
async def test_values_that_are_secret_long_or_of_no_kind_are_left_out(value: Any) -> None:
    kept = await record(policy(cond("resource.note", "y")), {}, {"note": value})
    assert kept.facts == {}


@pytest.mark.parametrize(
    "value",
    [
        *("text", True, 1, 10**30, 1.5, float("inf"), Decimal("1.50"), UUID(int=7)),
        *(date(2026, 1, 2), time(9, 30), datetime(2026, 1, 2, tzinfo=UTC)),
        ["a", 1, [True]],
        Permissions(["users:*"]),
    ],
)
async def test_values_come_back_as_they_were(value: Any) -> None:
    kept = await record(policy(cond("resource.note", "y")), {}, {"note": value})
    found = facts_of(kept)["resource"]["note"]
    assert found == value
    assert type(found) is type(value)


async def test_a_share_of_the_decisions_is_kept_and_none_without_end() -> None:
    store = MemoryDecisionStore()
    drawn = iter([0.1, 0.2, 0.9])
    recorder = DecisionRecorder(store, share=0.2, random=lambda: next(drawn))
    rules = policy()
    for _ in range(3):
        recorder.note(rules, 1, allowed=True, facts=({}, {}, None, "read"))
    await recorder.flush()
    assert len(await store.recent("documents", limit=9)) == 1
    whole = DecisionRecorder(store, keep=10)
    for _ in range(MAX_WAITING + 5):
        whole.note(rules, 1, allowed=True, facts=({}, {}, None, "read"))
    await whole.flush()
    await whole.flush()
    assert len(await store.recent("documents", limit=99)) == 10


async def test_what_cannot_be_read_breaks_no_decision(caplog: pytest.LogCaptureFixture) -> None:
    class Lazy(UserDict[str, object]):
        def __getitem__(self, key: str) -> object:
            raise RuntimeError("not loaded")

    recorder = DecisionRecorder(MemoryDecisionStore())
    with caplog.at_level(logging.ERROR):
        recorder.note(
            policy(cond("resource.note", "y")), 1, allowed=False, facts=({}, Lazy(), None, "read")
        )
    assert "resource.note cannot be read" in caplog.text


async def test_a_dry_run_says_what_would_open_and_what_would_close() -> None:
    old = policy(cond("resource.public", True))
    new = policy(cond("resource.public", False))
    decisions = [await record(old, {}, {"public": public}) for public in (True, False, None)]
    run = dry_run(new, decisions)
    assert run.asked == 3
    assert [change.decision for change in run.opened] == [decisions[1]]
    assert [change.decision for change in run.closed] == [decisions[0]]
    assert run.opened[0].rule == "rule 1"
    assert run.closed[0].rule is None
    assert run.undecided == ()


async def test_what_was_not_recorded_is_not_guessed() -> None:
    old = policy(cond("resource.public", True))
    kept = await record(old, {}, {"public": True, "owner": "ada"})
    run = dry_run(policy(cond("resource.owner", "ada")), [kept])
    assert (run.changed, run.undecided[0].missing) == ((), ("resource.owner",))
    surely = dry_run(policy(cond("resource.owner", "ada"), cond("resource.public", False)), [kept])
    assert surely.undecided == (), "false whoever owns it"
    assert len(surely.closed) == 1
    for shape in ({"attribute": "resource.owner", "operator": "missing"}, {"not": _exists()}):
        run = dry_run(policy(shape), [kept])
        assert run.undecided[0].missing == ("resource.owner",)


def _exists() -> dict[str, Any]:
    return {"any": [{"attribute": "resource.owner", "operator": "exists"}]}


async def test_two_versions_are_compared_on_the_same_facts() -> None:
    broken = RecordedDecision(
        policy="documents",
        number=1,
        at=0.0,
        action="read",
        allowed=True,
        facts={"resource.public": False},
    )
    public, private = (policy(cond("resource.public", value)) for value in (True, False))
    assert dry_run(private, [broken], against=private).changed == ()
    (change,) = dry_run(public, [broken], against=private).changed
    assert not change.allowed
    owner = policy(cond("resource.owner", "ada"))
    assert dry_run(public, [broken], against=owner).undecided[0].missing == ("resource.owner",)


def test_attributes_within_attributes_find_their_place() -> None:
    kept = RecordedDecision(
        policy="p",
        number=1,
        at=0.0,
        action="read",
        allowed=True,
        facts={"subject.team.id": "t", "subject.team.name": "n", "subject.team": "whole"},
    )
    assert facts_of(kept)["subject"]["team"] == "whole"
    swapped = dict(reversed(kept.facts.items()))
    again = RecordedDecision(
        policy="p", number=1, at=0.0, action="read", allowed=True, facts=swapped
    )
    assert facts_of(again)["subject"] == {"team": "whole"}


async def test_a_principal_is_recorded_by_what_is_asked() -> None:
    rules = policy(cond("subject.roles", "admin", "contains"))
    kept = await record(rules, Principal(subject="ada", roles=frozenset({"admin"})), {})
    assert kept.facts == {"subject.roles": ["admin"]}
    assert dry_run(rules, [kept]).changed == ()


def either(*rules: tuple[str, str, Any], combine: Any = "deny-overrides") -> Policy:
    return Policy(
        "documents",
        [
            {"name": name, "action": "read", "effect": effect, "conditions": [cond(name, value)]}
            for name, effect, value in rules
        ],
        combine=combine,
    )


PUBLIC = ("resource.public", "allow", True)
OWNED = ("resource.owner", "allow", "ada")
LOCKED = ("resource.locked", "deny", True)
MINE = ("resource.mine", "deny", True)


@pytest.mark.parametrize(
    ("candidate", "missing"),
    [
        (either(PUBLIC, OWNED), ()),
        (either(OWNED, PUBLIC), ()),
        (either(OWNED), ("resource.owner",)),
        (either(PUBLIC, LOCKED), ("resource.locked",)),
        (either(PUBLIC, MINE, LOCKED), ()),
        (either(PUBLIC, OWNED, combine="first-match"), ()),
        (either(OWNED, PUBLIC, combine="first-match"), ("resource.owner",)),
        (either(MINE, LOCKED, combine="first-match"), ()),
    ],
)
def test_only_what_could_decide_otherwise_must_be_recorded(
    candidate: Policy, missing: tuple[str, ...]
) -> None:
    facts = {"resource.public": True, "resource.mine": True}
    kept = RecordedDecision(
        policy="documents", number=1, at=0.0, action="read", allowed=True, facts=facts
    )
    undecided = dry_run(candidate, [kept]).undecided
    assert tuple(name for each in undecided for name in each.missing) == missing


def test_a_rule_that_only_hides_fields_changes_no_decision() -> None:
    rule = {
        "action": "read",
        "effect": "deny",
        "fields": ["x"],
        "conditions": [cond("subject.a", 1)],
    }
    candidate = Policy("documents", [{"action": "read"}, rule])
    kept = RecordedDecision(
        policy="documents", number=1, at=0.0, action="read", allowed=True, facts={}
    )
    assert dry_run(candidate, [kept]).undecided == ()
