"""Who holds which role: where, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.errors import LastAdministratorError
from zenith.accounts.role_administration.definitions import ATTEMPTS
from zenith.accounts.standing import Standing
from zenith.accounts.store import Account, AccountStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ValidationError,
)
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.permissions import check_permission
from zenith.kernel.principal import Principal
from zenith.rbac import (
    EVERYWHERE,
    GrantOutcome,
    LiveRoles,
    RoleAssignment,
    RoleBook,
    RoleStore,
    can_grant,
)
from zenith.sessions import Sessions

PAGE: Final = 50
MAX_TENANT: Final = 128
MAX_TIME: Final = 253_402_300_800.0
"""The year 10000."""
MAX_PERMISSIONS: Final = 1000
SELF: Final = "You cannot change your own roles"


class RoleAssignments:
    """Gives roles to accounts and takes them away, in a tenant or everywhere, for good or until a
    time; and own permissions beyond those of roles.

    Threat: giving what one does not hold, or for longer, or in another tenant; taking it from those
    above; an application that nobody can administer any more; a token that goes on with the role
    (ASVS 8.2.1, 8.3.2, 8.4.1). Access tokens of the account are refused from the change on and are
    refreshed with what holds now; its sessions see it at their next request.
    """

    def __init__(
        self,
        *,
        live: LiveRoles,
        store: RoleStore,
        accounts: AccountStore,
        standing: Standing,
        sessions: Sessions,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._live: Final = live
        self._store: Final = store
        self._accounts: Final = accounts
        self._standing: Final = standing
        self._sessions: Final = sessions
        self._events: Final = events
        self._clock: Final = clock

    async def of_account(self, account_id: str) -> Sequence[RoleAssignment]:
        """What the account holds, wherever; NotFoundError for an unknown one."""
        if await self._accounts.by_id(account_id) is None:
            raise NotFoundError("There is no such account")
        now = self._clock()
        return [
            each
            for each in await self._store.assignments(account_id)
            if each.expires_at is None or now < each.expires_at
        ]

    async def holders(
        self, role: str, *, after: tuple[str, str] | None = None
    ) -> Sequence[RoleAssignment]:
        """Who holds the role itself, in the order of account and tenant, those after `after`; one
        more than a page holds if there are more.
        """
        return await self._store.holders(role, after=after, limit=PAGE + 1)

    async def grantable(self, actor: Principal, *, tenant: str = EVERYWHERE) -> Sequence[str]:
        """The roles that the actor can give for good."""
        roles = self._live.current
        lasting = await self._standing.of(actor, roles, tenant=tenant)
        return [
            role
            for role in sorted(roles.roles & actor.roles)
            if all(can_grant(who, (role,), roles, tenant=tenant) for who in (actor, lasting))
        ]

    async def grant(
        self,
        actor: Principal,
        account_id: str,
        role: str,
        *,
        tenant: str = EVERYWHERE,
        expires_at: float | None = None,
        client: Client,
    ) -> bool:
        """Give a role, or change until when it is held; False if it is held so already.

        Raises PermissionDeniedError for what the actor does not hold there and for so long,
        ConflictError for one's own account and for an end of what is held for good, NotFoundError
        for an unknown account and ValidationError.
        """
        now = self._clock()
        if actor.subject == account_id:
            raise ConflictError(SELF)
        _check_place(tenant, expires_at, now)
        wanted = RoleAssignment(
            account_id=account_id,
            role=role,
            tenant=tenant,
            expires_at=expires_at,
            granted_by=actor.subject,
            granted_at=now,
        )
        outcome = await self._give(actor, wanted, client)
        await self._sessions.renew((account_id,))
        return outcome == "granted"

    async def revoke(
        self,
        actor: Principal,
        account_id: str,
        role: str,
        *,
        tenant: str = EVERYWHERE,
        client: Client,
    ) -> bool:
        """Take a role away; False if it is not held there.

        Raises PermissionDeniedError for a role that the actor does not hold, ConflictError for
        one's own account, and LastAdministratorError.
        """
        if actor.subject == account_id:
            raise ConflictError(SELF)
        book = await self._live.read()
        if not await self._may_take(actor, role, book, tenant):
            raise _not_held(role, account_id)
        async with one_step():
            outcome = await self._store.revoke(
                account_id, role, tenant, keep_one=self._live.settings.administrator
            )
            if outcome == "revoked":
                gone = RoleAssignment(account_id=account_id, role=role, tenant=tenant)
                await self._record(EventType.ROLE_REVOKED, actor, client, gone)
        if outcome == "kept":
            raise LastAdministratorError
        # Also where it was gone before: that may have failed before this step.
        await self._sessions.renew((account_id,))
        return outcome == "revoked"

    async def set_permissions(
        self, actor: Principal, account_id: str, permissions: Sequence[str], *, client: Client
    ) -> bool:
        """Replace the permissions that the account has beyond those of its roles; False if there is
        no such account.

        Raises PermissionDeniedError unless the actor holds what they were and what they become, and
        all roles of the account; ConflictError for one's own account, ValidationError for what is
        no permission.
        """
        if actor.subject == account_id:
            raise ConflictError("You cannot change your own permissions")
        wanted = _checked(permissions)
        account = await self._accounts.by_id(account_id)
        if account is None:
            return False
        roles = (await self._live.read()).roles
        may_reach = await self._standing.may_grant(
            actor, account.roles, roles, permissions=account.permissions
        )
        if not may_reach or not await self._standing.may_grant(
            actor, (), roles, permissions=wanted
        ):
            raise PermissionDeniedError("You do not hold these permissions")
        async with one_step():
            if not await self._accounts.set_permissions(
                account_id, wanted, expected=account.permissions
            ):
                raise ConflictError("The account was changed at the same moment: try again")
            await self._note_permissions(actor, account, wanted, client)
        await self._sessions.renew((account_id,))
        return True

    async def _give(self, actor: Principal, wanted: RoleAssignment, client: Client) -> GrantOutcome:
        role, end = wanted.role, wanted.expires_at
        for _ in range(ATTEMPTS):
            book = await self._live.read()
            if role not in book.roles.roles:
                raise ValidationError([f"There is no role {role[:100]!r}"])
            if not await self._standing.may_grant(
                actor, (role,), book.roles, tenant=wanted.tenant, until=end
            ):
                raise _not_held(role, wanted.account_id)
            async with one_step():
                outcome = await self._store.grant(wanted, expected=book.version)
                if outcome == "granted":
                    await self._record(EventType.ROLE_GRANTED, actor, client, wanted)
            if outcome == "unknown":
                raise NotFoundError("There is no such account")
            if outcome == "held":
                raise ConflictError("The account holds this role for good: take it away first")
            if outcome != "outdated":
                return outcome
        raise ConflictError("The roles were changed at the same moment: try again")

    async def _may_take(self, actor: Principal, role: str, book: RoleBook, tenant: str) -> bool:
        if role in book.roles.roles:
            return await self._standing.may_grant(
                actor, (role,), book.roles, tenant=tenant, until=self._clock()
            )
        # A name that was a role once grants nothing; who holds every role may tidy it away.
        return await self._standing.may_grant(
            actor, (self._live.settings.administrator,), book.roles
        )

    async def _record(
        self, kind: EventType, actor: Principal, client: Client, assignment: RoleAssignment
    ) -> None:
        where = "" if assignment.tenant == EVERYWHERE else f" in {assignment.tenant}"
        end = assignment.expires_at
        await self._events.record(
            client.event(
                kind,
                "success",
                at=self._clock(),
                subject=actor.subject,
                target=assignment.account_id,
                session_id=actor.session_id,
                reason=f"{assignment.role}{where}" + ("" if end is None else f" until {end:.0f}"),
                severity="WARNING",
            )
        )

    async def _note_permissions(
        self, actor: Principal, account: Account, wanted: Sequence[str], client: Client
    ) -> None:
        more = sorted(set(wanted) - set(account.permissions))
        less = sorted(set(account.permissions) - set(wanted))
        changes = [*(f"+{text}" for text in more), *(f"-{text}" for text in less)]
        await self._events.record(
            client.event(
                EventType.ROLES_CHANGED,
                "success",
                at=self._clock(),
                subject=actor.subject,
                target=account.id,
                session_id=actor.session_id,
                reason="permissions " + " ".join(changes[:PAGE]),
                severity="WARNING",
            )
        )


def _checked(permissions: Sequence[str]) -> tuple[str, ...]:
    if len(permissions) > MAX_PERMISSIONS:
        raise ValidationError([f"An account has at most {MAX_PERMISSIONS} permissions of its own"])
    try:
        return tuple(sorted({check_permission(text, pattern=True) for text in permissions}))
    except ConfigurationError as error:
        raise ValidationError([error.problem]) from None


def _check_place(tenant: str, expires_at: float | None, now: float) -> None:
    if not 0 < len(tenant) <= MAX_TENANT or not tenant.isprintable() or tenant != tenant.strip():
        raise ValidationError(["The tenant is a name, or * for everywhere"])
    if expires_at is not None and not (isfinite(expires_at) and now < expires_at < MAX_TIME):
        raise ValidationError(["The end must be in the future"])


def _not_held(role: str, account_id: str) -> PermissionDeniedError:
    return PermissionDeniedError("You do not hold this role", reason=f"{role} of {account_id}")
