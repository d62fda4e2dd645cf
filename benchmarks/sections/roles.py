"""Role and permission checks, whose time must not grow with what is granted."""

from __future__ import annotations

from collections.abc import AsyncIterator

from benchmarks.apps.shop import get
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat
from zenith.authorization import require_permission, require_role
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange

TITLE = "Roles and permissions (CPU time of one check; ratio: 10,000 granted to 10)"
ROUNDS = 60
FEW, MANY = 10, 10_000


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
        permission.enforce(exchange)
        role.enforce(exchange)

    return repeat(check)


async def _receive() -> dict[str, str]:
    return {}


async def measure(options: Options) -> AsyncIterator[Row]:
    """A permission granted by wildcard and a role, with few and with many granted."""
    found = await interleave(
        {"few": _check(FEW), "many": _check(MANY)}, rounds=options.rounds(ROUNDS)
    )
    ratio, spread = found.ratio("many", "few")
    shared = {
        "ours": found.of("many"),
        "peer_name": f"with {FEW} granted",
        "peer": found.of("few"),
        "ratio": ratio,
        "spread": spread,
    }
    name = f"permission and role, {MANY:,} granted"
    yield Row(name=name, **shared, budget=Budget(value=1.5, of="ours"))
    yield Row(name=f"{name}: flat", **shared, budget=Budget(value=1.25))
