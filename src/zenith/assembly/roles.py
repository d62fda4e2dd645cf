"""Roles at run time."""

from __future__ import annotations

from zenith.accounts import Standing
from zenith.accounts.role_administration import RoleAssignments, RoleDefinitions
from zenith.assembly.parts import Parts
from zenith.kernel.clock import wall_clock


def make_standing(parts: Parts) -> Standing:
    """What judges whether somebody may give what he holds."""
    return Standing(parts.account_store, parts.role_store)


def make_definitions(parts: Parts) -> RoleDefinitions:
    """What edits roles."""
    return RoleDefinitions(
        live=parts.roles,
        store=parts.role_store,
        standing=make_standing(parts),
        revocations=parts.revocations,
        sessions=parts.sessions,
        events=parts.events,
    )


def make_assignments(parts: Parts) -> RoleAssignments:
    """What gives roles to accounts."""
    return RoleAssignments(
        live=parts.roles,
        store=parts.role_store,
        accounts=parts.account_store,
        standing=make_standing(parts),
        sessions=parts.sessions,
        events=parts.events,
    )


async def prune_roles(parts: Parts) -> int:
    """Remove assignments that have ended."""
    return await parts.role_store.prune(wall_clock())
