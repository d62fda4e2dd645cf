"""What roles, policies and adapters fulfil: decide on an object, filter a list, mask fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Refreshing(Protocol):
    """What a filtering or masking policy has beside, if it can change while code runs."""

    async def refresh(self) -> None:
        """Take over what has changed, as of a second ago at most. Asked before each decision, so
        that it is quick where nothing has; raises SecurityError where that cannot be known.
        """
        ...


class Filtering(Protocol):
    """Says which rows of a model a principal may do an action on."""

    def where(
        self,
        subject: Principal,
        action: str,
        model: Any,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        """A condition for a query; never wider than what `authorize` allows row by row."""
        ...


class Masking(Protocol):
    """Says which fields of objects a principal may see."""

    def mask(
        self,
        subject: Principal,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Each object as a mapping of the fields that may be seen, in their order."""
        ...
