"""Decisions by attributes: ours beside the engines that Python applications use.

The rules are the same for all: each allows an action on one kind of resource for one team, and the
last of them is the one that is satisfied. The peers hold them parsed, and cedarpy its entities too.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import casbin
import cedarpy
import vakt
from vakt.rules import Eq, Greater

from benchmarks.names import RULES, by_attribute
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat
from zenith.policies import Policy, read_policies

TITLE = "Policies (CPU time of one decision)"
ROUNDS: Final = 40
MICROSECONDS: Final = dict(zip(RULES, (4.0, 6.0, 15.0), strict=True))
LOADED: Final = 10_000
SECONDS: Final = 4.0
MODEL: Final = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = team, kind, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && r.obj.kind == p.kind && r.sub.team == p.team
"""


class Attributes:
    """What casbin reads attributes from."""

    def __init__(self, **values: str) -> None:
        vars(self).update(values)


def _names(count: int) -> list[tuple[str, str]]:
    return [(f"kind{number}", f"team{number % 10}") for number in range(count)]


def _condition(attribute: str, operator: str, value: object) -> dict[str, object]:
    return {"attribute": attribute, "operator": operator, "value": value}


def _rules(count: int) -> list[dict[str, Any]]:
    return [
        {
            "name": f"rule{number}",
            "action": "read",
            "conditions": [
                _condition("resource.kind", "equals", kind),
                _condition("subject.team", "equals", team),
            ],
        }
        for number, (kind, team) in enumerate(_names(count))
    ]


def _ours(count: int) -> Callable[[], bool]:
    policy = Policy("bench", _rules(count))
    kind, team = _names(count)[-1]
    subject, resource = {"id": 7, "team": team}, {"id": 9, "kind": kind}
    return lambda: policy.evaluate(subject, resource, "read")


def _ours_by_action(count: int) -> Callable[[], bool]:
    rules = [{**rule, "action": f"read{number}"} for number, rule in enumerate(_rules(count))]
    policy = Policy("bench", rules)
    kind, team = _names(count)[-1]
    subject, resource = {"id": 7, "team": team}, {"id": 9, "kind": kind}
    action = f"read{count - 1}"
    return lambda: policy.evaluate(subject, resource, action)


def _ours_in_turn(count: int) -> Callable[[], bool]:
    rules = [
        {"action": "read", "conditions": [_condition("resource.size", "greater_than", number)]}
        for number in reversed(range(count))
    ]
    policy = Policy("bench", rules)
    subject, resource = {"id": 7}, {"id": 9, "size": 1}
    return lambda: policy.evaluate(subject, resource, "read")


def _guard(rules: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> Any:
    storage = vakt.MemoryStorage()
    for uid, subject, resource in rules:
        storage.add(
            vakt.Policy(
                uid,
                effect=vakt.ALLOW_ACCESS,
                actions=[Eq("read")],
                subjects=[subject],
                resources=[resource],
            )
        )
    return vakt.Guard(storage, vakt.RulesChecker())


def _vakt(count: int) -> Callable[[], bool]:
    names = _names(count)
    guard = _guard(
        [
            (str(number), {"team": Eq(team)}, {"kind": Eq(kind)})
            for number, (kind, team) in enumerate(names)
        ]
    )
    kind, team = names[-1]
    subject, resource = {"id": 7, "team": team}, {"id": 9, "kind": kind}
    return lambda: guard.is_allowed(vakt.Inquiry(subject=subject, resource=resource, action="read"))


def _vakt_in_turn(count: int) -> Callable[[], bool]:
    guard = _guard(
        [
            (str(number), {"id": Eq(7)}, {"size": Greater(number)})
            for number in reversed(range(count))
        ]
    )
    subject, resource = {"id": 7}, {"id": 9, "size": 1}
    return lambda: guard.is_allowed(vakt.Inquiry(subject=subject, resource=resource, action="read"))


def _cedar(count: int) -> Callable[[], bool]:
    names = _names(count)
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal, action == Action::"read", resource) when '
            f'{{ resource.kind == "{kind}" && principal.team == "{team}" }};'
            for kind, team in names
        )
    )
    kind, team = names[-1]
    entities = cedarpy.Entities.from_json_str(
        json.dumps(
            [
                {"uid": {"type": "User", "id": "7"}, "attrs": {"team": team}, "parents": []},
                {"uid": {"type": "Doc", "id": "9"}, "attrs": {"kind": kind}, "parents": []},
            ]
        )
    )
    request = {"principal": 'User::"7"', "action": 'Action::"read"', "resource": 'Doc::"9"'}
    return lambda: cedarpy.is_authorized(request, policies, entities).allowed


def _casbin(count: int) -> Callable[[], bool]:
    names = _names(count)
    model = casbin.Enforcer.new_model(text=MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([[team, kind, "read"] for kind, team in names])
    kind, team = names[-1]
    subject, resource = Attributes(team=team), Attributes(kind=kind)
    return lambda: enforcer.enforce(subject, resource, "read")


def _batch(decide: Callable[[], bool]) -> Batch:
    """The decision must be the one that all come to."""
    assert decide()
    return repeat(decide)


async def measure(options: Options) -> AsyncIterator[Row]:
    """By a key attribute, by action, in turn, and what loading takes."""
    for noisy in ("vakt", "casbin"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    rounds = options.rounds(ROUNDS)
    for count, budget in MICROSECONDS.items():
        found = await interleave(
            {
                "zenith": _batch(_ours(count)),
                "action": _batch(_ours_by_action(count)),
                "vakt": _batch(_vakt(count)),
                "cedarpy": _batch(_cedar(count)),
                "casbin": _batch(_casbin(count)),
            },
            rounds=rounds,
        )
        for peer in ("vakt", "cedarpy", "casbin"):
            ratio, spread = found.ratio("zenith", peer)
            yield Row(
                name=by_attribute(count),
                ours=found.of("zenith"),
                peer_name=peer,
                peer=found.of(peer),
                ratio=ratio,
                spread=spread,
                budget=Budget(value=budget, of="ours"),
            )
        yield Row(
            name=f"{count:,} rules, by action",
            ours=found.of("action"),
            budget=Budget(value=budget, of="ours"),
        )
    for count in (100, 1000):
        found = await interleave(
            {"zenith": _batch(_ours_in_turn(count)), "vakt": _batch(_vakt_in_turn(count))},
            rounds=rounds,
        )
        ratio, spread = found.ratio("zenith", "vakt")
        yield Row(
            name=f"{count:,} rules, each asked in turn",
            ours=found.of("zenith"),
            peer_name="vakt",
            peer=found.of("vakt"),
            ratio=ratio,
            spread=spread,
            budget=Budget(value=0.1),
        )
    text = json.dumps({"policies": [{"name": "bench", "rules": _rules(LOADED)}]})
    started = time.process_time()
    read_policies(text, "json")
    yield Row(
        name=f"load {LOADED:,} rules from JSON",
        ours=time.process_time() - started,
        unit="s",
        budget=Budget(value=SECONDS, of="ours"),
    )
