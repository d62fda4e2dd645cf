"""Declarations with objects, for routes of FastAPI: on one, on the rows of a list, on fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from zenith.authorization.access import Access
from zenith.authorization.authorize import AllOf, capable, combined, context_of, name_of, refreshed
from zenith.authorization.authorizer import Authorizer, Filtering
from zenith.authorization.objects import Loader, ObjectAccess
from zenith.authorization.ownership import OWNER, Ownership
from zenith.authorization.requirements import (
    FollowsPolicy,
    HasPermission,
    HasPermissionOrOwn,
    SeesAllowed,
)
from zenith.authorization.routes import arm
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline.exchange import exchange_of

READ: Final = "read"


def require_policy(
    policy: Authorizer | Sequence[Authorizer],
    action: str,
    *,
    resource: Loader | None = None,
    into: str | None = None,
    read_action: str = READ,
    reveals_existence: bool = False,
) -> ObjectAccess:
    """Callers whom `policy` allows `action`, on the object that `resource` loads.

    Threat: a number in the path that names somebody else's object (ASVS 8.2.2). `resource` is a
    dependency like any other (path parameters, session, principal), and its object is handed on:
    `document: Annotated[Document, Depends(require_policy(...))]`, or, below the route's decorator,
    to the parameter whose type the loader returns (or that `into` names). Without `resource` the
    action alone is decided. Of several policies a denial by any denies.

    The decision comes before the body is read, unless the loader itself needs the body.

    An object that there is not (the loader gives None, or raises LookupError or a 404) and one that
    the caller may not even `read_action` answer the same 404, lest numbers be tried until a 403
    tells which exist; strangers are asked to sign in for both. Who may read it and not do this is
    told 403. `reveals_existence` answers 403 to all of them, for objects whose names are no secret.

    Raises ConfigurationError for an empty action and for a policy that cannot decide.
    """
    authorizer = combined(policy)
    if not action:
        raise ConfigurationError("require_policy() names no action", fix='name one: "read"')
    return ObjectAccess(
        FollowsPolicy(name_of(authorizer), action, with_object=resource is not None),
        authorizer=authorizer,
        action=action,
        loader=resource,
        into=into,
        read_action=read_action,
        reveals_existence=reveals_existence,
        arm=arm,
        depends=Depends,
    )


def require_permission(
    permission: str,
    *,
    resource: Loader | None = None,
    owner: str = OWNER,
    into: str | None = None,
    reveals_existence: bool = False,
) -> Access:
    """Callers who were granted `permission`, such as `users:write`.

    With `resource`, also those who were granted it with `:own`, on objects whose attribute `owner`
    holds their subject id; without, `:own` satisfies nothing. Who holds neither is told 403 before
    anything is loaded; of what belongs to others, owners are told 404, as `require_policy` says.

    Raises ConfigurationError for text that is no permission.
    """
    if resource is None:
        return Access(HasPermission(permission))
    requirement = HasPermissionOrOwn(permission, owner)
    return ObjectAccess(
        requirement,
        authorizer=Ownership(permission, owner=owner),
        action=permission,
        loader=resource,
        into=into,
        reveals_existence=reveals_existence,
        before=Access(requirement),
        arm=arm,
        depends=Depends,
    )


class RowsAccess(Access):
    """Anybody may ask; the dependency gives the condition that a list is filtered by."""

    __slots__ = ("_action", "_model", "_policy")

    def __init__(self, policy: Filtering, action: str, model: type) -> None:
        super().__init__(SeesAllowed(name_of(policy), action, model.__name__))
        self._policy: Final = policy
        self._action: Final = action
        self._model: Final = model

    async def as_dependency(self, connection: HTTPConnection, resource: Any = None) -> Any:
        """What the dependency gives: true for rows that the caller may do the action on."""
        del resource
        exchange = exchange_of(connection.scope)
        context = context_of(exchange)
        await refreshed(self._policy)
        found = self._policy.where(exchange.principal, self._action, self._model, context)
        if found is None:
            raise ConfigurationError(
                f"{name_of(self._policy)}.where() gave no condition, which would show every row",
                fix="return a condition that is false where nothing is allowed",
            )
        return found

    def bind(self, target: Any) -> RowsAccess:
        """Refuse: without the condition a list would be whole."""
        del target
        raise ConfigurationError(
            f"{self!r} gives a condition, which a decorator would drop",
            fix="take it as a parameter: Annotated[Any, Depends(allowed(...))]",
        )


def allowed(policy: Filtering | Sequence[Filtering], action: str, model: type) -> RowsAccess:
    """The rows of `model` that `policy` allows the caller `action` on, as a condition for queries:
    `condition: Annotated[Any, Depends(allowed(policy, "read", Document))]`, then
    `select(Document).where(condition)`.

    Threat: a list that shows what looking at each object would refuse (ASVS 8.2.2). Everybody may
    ask, strangers too, and gets what the policy allows them; add `authenticated` where strangers
    shall not. Of several policies each has to allow a row. Raises ConfigurationError for a policy
    that cannot filter.
    """
    if not isinstance(policy, Sequence):
        return RowsAccess(capable(policy, "where"), action, model)
    for each in policy:
        capable(each, "where")
    return RowsAccess(AllOf(*cast("Sequence[Any]", policy)), action, model)
