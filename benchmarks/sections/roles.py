"""Role and permission checks, whose time must not grow with what is granted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import casbin

from benchmarks.apps.shop import get
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat
from zenith.authorization import require_permission, require_role
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange
from zenith.rbac import RbacSettings, RoleDefinition, repaired_book

TITLE = "Roles and permissions (CPU time of one check; ratio: ours to the peer's)"
ROUNDS = 60
FEW, SOME, MANY = 10, 1_000, 10_000
SHARE = 0.02
ROLES = 1_000
MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


def _check(granted: int) -> Batch:
    exchange = Exchange(get().scope(), _receive)
    names = (f"resource{number}:write" for number in range(granted - 1))
    exchange.principal = Principal(
        subject="account-0",
        roles=frozenset(f"role{number}" for number in range(granted)),
        permissions=Permissions([*names, "reports:*"]),
    )
    permission = require_permission("reports:daily:read")
    role = require_role("role7")

    def check() -> None:
        permission.ask(exchange)
        role.ask(exchange)

    return repeat(check)


def _casbin(granted: int) -> Batch:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    rules = [["clerk", f"resource{number}", "write"] for number in range(granted - 1)]
    enforcer.add_policies([*rules, ["clerk", "reports", "read"]])
    enforcer.add_grouping_policy("account-0", "clerk")

    def check() -> None:
        if not enforcer.enforce("account-0", "reports", "read"):
            raise RuntimeError("casbin refuses what it was told to allow")

    return repeat(check)


async def _receive() -> dict[str, str]:
    return {}


async def measure(options: Options) -> AsyncIterator[Row]:
    """A permission granted by wildcard and a role, with few and with many granted."""
    found = await interleave(
        {"few": _check(FEW), "many": _check(MANY)}, rounds=options.rounds(ROUNDS)
    )
    ratio, spread = found.ratio("many", "few")
    shared: dict[str, Any] = {
        "ours": found.of("many"),
        "peer_name": f"with {FEW} granted",
        "peer": found.of("few"),
        "ratio": ratio,
        "spread": spread,
    }
    name = f"permission and role, {MANY:,} granted"
    yield Row(name=name, **shared, budget=Budget(value=1.5, of="ours"))
    yield Row(name=f"{name}: flat", **shared, budget=Budget(value=1.25))
    for granted in (FEW, SOME, MANY):
        yield await _beside_casbin(granted, options)
    yield _reload()


async def _beside_casbin(granted: int, options: Options) -> Row:
    # Its slowest case takes a tenth of a second each time.
    rounds = max(3, options.rounds(ROUNDS) * FEW // granted)
    found = await interleave({"zenith": _check(granted), "casbin": _casbin(granted)}, rounds=rounds)
    ratio, spread = found.ratio("zenith", "casbin")
    return Row(
        name=f"permission and role, {granted:,} granted, beside casbin",
        ours=found.of("zenith"),
        peer_name="casbin",
        peer=found.of("casbin"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=SHARE),
    )


def _reload() -> Row:
    """What a change of a definition costs each process once."""
    stored = [
        RoleDefinition(
            name=f"role{number}",
            permissions=tuple(f"resource{number}:{action}" for action in range(10)),
            inherits=(f"role{number - 1}",) if number % 10 else (),
            level=number % 50 if number % 3 == 0 else None,
        )
        for number in range(ROLES)
    ]
    took = []
    for _ in range(5):
        began = time.process_time()
        book = repaired_book(RbacSettings(), stored, version=1)
        compiled = book.roles.compile((f"role{ROLES - 1}",))
        took.append(time.process_time() - began)
        if f"role{ROLES - 2}" not in compiled[0]:
            raise RuntimeError("a role does not imply what it inherits")
    ours = sorted(took)[2] * 1e6
    budget = Budget(value=100_000, of="ours")
    return Row(name=f"take over {ROLES:,} changed roles", ours=ours, budget=budget)
