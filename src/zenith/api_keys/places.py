"""Where a key acts: in one tenant of its owner, or outside of all."""

from __future__ import annotations

from typing import Final, TypeGuard

from zenith.api_keys.actor import Actor
from zenith.api_keys.errors import KeyRequestError
from zenith.authentication import Subject, SubjectSource
from zenith.kernel.permissions import Permissions

FIELD: Final = "tenant"
MOST: Final = 50
"""Tenants that a form offers."""


class Places:
    """Says where keys can be made, and what can be handed on there.

    Threat: a key for a tenant that its owner does not belong to, and a credential of one tenant
    that makes itself one of another (ASVS 8.2.1, 8.4.1). Without `subjects` there are no tenants.
    """

    def __init__(self, subjects: SubjectSource | None) -> None:
        self._subjects: Final = subjects

    @property
    def has_tenants(self) -> bool:
        """Whether keys can be made for a tenant."""
        return self._subjects is not None

    async def held(self, actor: Actor, owner_id: str | None, tenant: str | None) -> Permissions:
        """What the actor, who makes a key of this owner, holds in `tenant`.

        Raises KeyRequestError where no such key can be made. A tenant that there is not is refused
        in the same words as one that the owner is no member of.
        """
        if not actor.acts_for(tenant):
            raise KeyRequestError(FIELD, "This credential makes keys only for where it acts itself")
        if tenant is None:
            return actor.principal.permissions
        if self._subjects is None:
            raise KeyRequestError(FIELD, "There are no tenants here")
        if owner_id is None:
            raise KeyRequestError(FIELD, "A key of a service acts outside of all tenants")
        owner = await self._subjects.find(owner_id, tenant)
        if not _is_member(owner, tenant):
            raise KeyRequestError(FIELD, "The owner of the key does not belong to this tenant")
        return owner.permissions

    async def of(self, actor: Actor) -> dict[str | None, Permissions]:
        """The places that the actor can make own keys for, and what it holds in each."""
        found: dict[str | None, Permissions] = {}
        if actor.acts_for(None):
            found[None] = actor.principal.permissions
        if actor.owner_id is None or self._subjects is None:
            return found
        owner = await self._subjects.find(actor.owner_id)
        for tenant in sorted(() if owner is None else owner.tenants)[:MOST]:
            inside = await self._subjects.find(actor.owner_id, tenant)
            if actor.acts_for(tenant) and _is_member(inside, tenant):
                found[tenant] = inside.permissions
        return found


def _is_member(owner: Subject | None, tenant: str) -> TypeGuard[Subject]:
    return owner is not None and owner.active and tenant in owner.tenants
