"""Who may grant what: nobody what they do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from zenith.kernel.permissions import OWN, Permissions
from zenith.kernel.principal import Principal
from zenith.rbac.assignments import EVERYWHERE
from zenith.rbac.roles import RoleSet, is_pattern

_OWN_SUFFIX: Final = f":{OWN}"


def can_grant(
    granter: Principal,
    roles: Iterable[str],
    role_set: RoleSet,
    *,
    permissions: Iterable[str] = (),
    tenant: str = EVERYWHERE,
) -> bool:
    """Whether `granter` may give, or take away, these roles and own permissions in `tenant`.

    Threat: an administrator of a part who becomes, or makes a friend, administrator of the whole
    (ASVS 8.2.1). Nobody can grant what they do not hold: each role must be among the granter's
    own, and everything that follows from them must be granted to the granter in full, which a
    narrowed credential is not. Who acts in a tenant holds nothing outside it. Pass the roles before
    and after a change: to take the higher role away needs it too. Unknown roles and malformed
    permissions can be granted by nobody.
    """
    wanted = frozenset(map(str, roles))
    own = tuple(permissions)
    if not granter.is_authenticated or granter.scopes is not None:
        return False
    if granter.tenant not in (None, tenant):
        return False
    if not (wanted <= role_set.roles and all(map(is_pattern, own))):
        return False
    implied, granted = role_set.compile(wanted, own)
    return implied <= granter.roles and covers(granter.permissions, granted)


def can_redefine(
    editor: Principal, name: str, before: RoleSet, after: RoleSet, *, administrator: str
) -> bool:
    """Whether `editor` may make the role `name` of `before` what it is in `after`; it may be in
    one of them only.

    Threat: an administrator of a part who writes more into a role that he holds, or that a friend
    holds, by permission, inheritance or level; or who empties a role of those above him (ASVS
    8.2.1). What the role was and what it will be must both be held by the editor as things stand. A
    role that is new is held by nobody yet but by the administrator, who holds every role.
    """
    if name in before.roles and not can_grant(editor, (name,), before):
        return False
    if name not in after.roles:
        return can_grant(editor, (), before)
    if name not in before.roles and administrator not in editor.roles:
        return False
    implied, granted = after.compile((name,))
    return can_grant(editor, implied - {name}, before) and covers(editor.permissions, granted)


def covers(held: Permissions, patterns: Iterable[str]) -> bool:
    """Whether `held` grants all of `patterns`, wildcards in full and `:own` ones at least so."""
    return all(
        held.allow(text) or (text.endswith(_OWN_SUFFIX) and held.allow(text[: -len(_OWN_SUFFIX)]))
        for text in patterns
    )


def holder(
    granter: Principal, role_set: RoleSet, roles: Iterable[str], permissions: Iterable[str] = ()
) -> Principal:
    """`granter` with what follows from these roles and permissions in place of its own: to ask
    `can_grant` of a moment other than the present.
    """
    held, granted = role_set.compile(roles, permissions)
    return replace(granter, roles=held, permissions=granted)
