"""Decisions about a resource: the contract that roles, policies and adapters fulfil."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from zenith.authorization.decision import Decision
from zenith.kernel.principal import Principal


class Authorizer(Protocol):
    """Decides whether a principal may do an action on a resource."""

    async def authorize(
        self,
        principal: Principal,
        action: str,
        resource: Any,
        context: Mapping[str, Any],
    ) -> Decision:
        """Allow or deny; doubt is a denial (ASVS 8.2.2)."""
        ...
