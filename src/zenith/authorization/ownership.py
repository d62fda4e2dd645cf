"""Grants that end in `:own`, against the resource and who owns it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

from zenith.authorization.decision import ALLOW, Decision
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import OWN, check_permission
from zenith.kernel.principal import Principal

OWNER: Final = "owner_id"
"""Attribute, column or key that names the owner, unless a declaration says otherwise."""


class Ownership:
    """Admits who was granted `permission` on everything, and owners who were granted it on theirs.

    Threat: a number in the path that names somebody else's object (ASVS 8.2.2). `owner` is the
    attribute or key of the resource that holds the owner's subject id. An object without it, or
    with another type of id than text, whole numbers and UUIDs, is nobody's. Raises
    ConfigurationError for text that is no permission, and for an `owner` that is no plain name.
    """

    def __init__(self, permission: str, *, owner: str = OWNER) -> None:
        if not owner.isidentifier() or owner.startswith("_"):
            raise ConfigurationError(
                f"owner={owner!r} is no attribute", fix='name the attribute: owner="author_id"'
            )
        self.permission: Final = check_permission(permission)
        self.owner: Final = owner

    @property
    def name(self) -> str:
        """As reasons say it."""
        return f"permission {self.permission}"

    async def authorize(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Decision:
        """Allow or deny; without a resource an `:own` grant allows nothing."""
        del action, context
        if principal.permissions.allow(self.permission):
            return ALLOW
        if not principal.permissions.allow_own(self.permission):
            return self._deny(principal, f"lacks {self.permission}")
        if resource is None or not principal.subject or not self._owns(principal, resource):
            return self._deny(principal, f"holds {self.permission}:{OWN} and is not the owner")
        return ALLOW

    def _owns(self, principal: Principal, resource: Any) -> bool:
        if isinstance(resource, Mapping):
            owner: Any = cast("Mapping[str, Any]", resource).get(self.owner)
        else:
            owner = getattr(resource, self.owner, None)
        if isinstance(owner, bool) or not isinstance(owner, (str, int, UUID)):
            return False
        return str(owner) == principal.subject

    def _deny(self, principal: Principal, why: str) -> Decision:
        return Decision(
            allowed=False,
            detail=f"Permission denied: {self.permission} required",
            reason=f"{principal.kind} {principal.subject or '-'} {why}",
        )
