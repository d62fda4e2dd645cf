"""What the roles are: made, changed, renamed and deleted while the application runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.standing import Standing
from zenith.authentication import RevocationList
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.rbac import (
    LiveRoles,
    RoleBook,
    RoleDefinition,
    RoleStore,
    can_redefine,
    check_definition,
    role_book,
    unsound,
)
from zenith.sessions import Sessions

ATTEMPTS: Final = 8
"""How often a change is judged anew because another came between."""
SHOWN: Final = 50
"""Permissions that an event names; a role may have thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """What shall be different; what is None stays."""

    name: str | None = None
    permissions: Sequence[str] | None = None
    inherits: Sequence[str] | None = None
    level: int | None = None
    without_level: bool = False
    """Take the level away: the role is beside the levels then."""
    description: str | None = None

    def of(self, definition: RoleDefinition) -> RoleDefinition:
        """`definition` with this change."""
        return replace(
            definition,
            name=definition.name if self.name is None else self.name,
            permissions=_chosen(self.permissions, definition.permissions),
            inherits=_chosen(self.inherits, definition.inherits),
            level=self._level(definition.level),
            description=(definition.description if self.description is None else self.description),
        )

    def _level(self, present: int | None) -> int | None:
        if self.without_level:
            return None
        return present if self.level is None else self.level


class RoleDefinitions:
    """Edits roles. Every change is judged against the roles of one version and stored only if they
    are still those; every process takes it over within a second, at once with Redis.

    Threat: somebody who may edit roles and writes himself more than he holds, by permission,
    inheritance, level or name; two who make a circle together; roles that nobody can administer any
    more (ASVS 8.2.1, 8.1.1). The administrator's role cannot be changed, deleted or inherited.
    """

    def __init__(
        self,
        *,
        live: LiveRoles,
        store: RoleStore,
        standing: Standing,
        revocations: RevocationList,
        sessions: Sessions,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._live: Final = live
        self._store: Final = store
        self._standing: Final = standing
        self._revocations: Final = revocations
        self._sessions: Final = sessions
        self._events: Final = events
        self._clock: Final = clock

    @property
    def administrator(self) -> str:
        """The role that nobody can change."""
        return self._live.settings.administrator

    async def book(self) -> RoleBook:
        """Every role as it is in the store now."""
        return await self._live.read()

    async def create(
        self, actor: Principal, definition: RoleDefinition, *, client: Client
    ) -> RoleDefinition:
        """Make a role.

        Raises ConflictError for a name that is taken, ValidationError for an unsound definition and
        PermissionDeniedError: a role that is new is held by administrators only, so that only they
        can make one.
        """
        made = self._signed(definition, actor)
        for _ in range(ATTEMPTS):
            book = await self._live.read()
            if made.name in book.definitions:
                raise ConflictError("There is a role of this name")
            await self._judge(actor, book, made)
            async with one_step():
                stored = await self._store.put(made, expected=book.version, fresh=True)
                if stored:
                    await self._record(EventType.ROLE_CREATED, actor, client, None, made)
            if stored:
                await self._tell(())
                return made
        raise _busy()

    async def change(
        self, actor: Principal, name: str, change: RoleChange, *, client: Client
    ) -> RoleDefinition:
        """Change a role; one that the code defines is from then on as the database says.

        Raises NotFoundError, ConflictError for the administrator's role and for a new name that is
        taken or that cannot be given, ValidationError and PermissionDeniedError: what the role was
        and what it becomes must be held by the actor, for good.
        """
        for _ in range(ATTEMPTS):
            book = await self._live.read()
            before = self._editable(book, name)
            after = change.of(before)
            if after == before:
                return before
            after = self._signed(after, actor)
            renamed = after.name != name
            if renamed:
                self._check_rename(book, name, after.name)
            await self._judge(actor, book, after, former=name if renamed else None)
            async with one_step():
                holders = await self._exchange(before, after, expected=book.version)
                if holders is not None:
                    await self._record(EventType.ROLE_CHANGED, actor, client, before, after)
            if holders is not None:
                await self._tell(holders)
                return after
        raise _busy()

    async def delete(self, actor: Principal, name: str, *, client: Client) -> None:
        """Delete a role: whoever holds it holds it no more. One that the code defines is as the
        code says again.

        Raises NotFoundError, ConflictError for a role of the code or one that others inherit, and
        PermissionDeniedError for a role that the actor does not hold.
        """
        for _ in range(ATTEMPTS):
            book = await self._live.read()
            before, origin = self._editable(book, name), book.origins[name]
            if origin == "code":
                raise ConflictError("This role is defined in code: it can be changed, not deleted")
            if origin == "database":
                _check_inheritors(book, name)
            await self._judge_removal(actor, book, name)
            async with one_step():
                holders = await self._store.remove(
                    name, expected=book.version, release=origin == "database"
                )
                if holders is not None:
                    await self._record(EventType.ROLE_DELETED, actor, client, before, None)
            if holders is not None:
                await self._tell(holders)
                return
        raise _busy()

    def _editable(self, book: RoleBook, name: str) -> RoleDefinition:
        definition = book.definitions.get(name)
        if definition is None:
            raise NotFoundError("There is no such role")
        if name == self.administrator:
            raise ConflictError("The administrator's role cannot be changed")
        return definition

    def _check_rename(self, book: RoleBook, name: str, wanted: str) -> None:
        if wanted in book.definitions:
            raise ConflictError("There is a role of this name")
        if book.origins[name] != "database":
            raise ConflictError("This role is defined in code: its name cannot be changed")
        _check_inheritors(book, name)

    def _signed(self, definition: RoleDefinition, actor: Principal) -> RoleDefinition:
        return replace(
            definition,
            permissions=tuple(sorted(set(definition.permissions))),
            inherits=tuple(sorted(set(definition.inherits))),
            changed_at=self._clock(),
            changed_by=actor.subject,
        )

    async def _judge(
        self,
        actor: Principal,
        book: RoleBook,
        wanted: RoleDefinition,
        *,
        former: str | None = None,
    ) -> None:
        check_definition(self._live.settings, wanted)
        rows = [*_stored(book, but=(wanted.name, former)), wanted]
        names = (wanted.name,) if former is None else (former, wanted.name)
        await self._permit(actor, book, rows, names)

    async def _judge_removal(self, actor: Principal, book: RoleBook, name: str) -> None:
        await self._permit(actor, book, _stored(book, but=(name,)), (name,))

    async def _permit(
        self,
        actor: Principal,
        book: RoleBook,
        rows: Iterable[RoleDefinition],
        names: Iterable[str],
    ) -> None:
        try:
            after = role_book(self._live.settings, rows).roles
        except ConfigurationError as error:
            raise unsound(error) from None
        lasting = await self._standing.of(actor, book.roles)
        for name in names:
            for who in (actor, lasting):
                if not can_redefine(who, name, book.roles, after, administrator=self.administrator):
                    raise PermissionDeniedError(
                        "You do not hold what this role grants", reason=f"role {name}"
                    )

    async def _exchange(
        self, before: RoleDefinition, after: RoleDefinition, *, expected: int
    ) -> Sequence[str] | None:
        """The holders whose role has another name now; None where others were first."""
        if before.name == after.name:
            stored = await self._store.put(after, expected=expected, fresh=False)
            return () if stored else None
        return await self._store.rename(before.name, after, expected=expected)

    async def _tell(self, holders: Sequence[str]) -> None:
        """After the step: until then the store answers as it did before."""
        await self._sessions.renew(holders)
        await self._revocations.announce()

    async def _record(
        self,
        kind: EventType,
        actor: Principal,
        client: Client,
        before: RoleDefinition | None,
        after: RoleDefinition | None,
    ) -> None:
        subject = after or before
        event = client.event(
            kind,
            "success",
            at=self._clock(),
            subject=actor.subject,
            target=None if subject is None else f"role {subject.name}",
            session_id=actor.session_id,
            severity="WARNING",
        )
        details = {"before": _shown(before), "after": _shown(after)}
        await self._events.record(replace(event, details=details))


def _chosen(wanted: Sequence[str] | None, present: tuple[str, ...]) -> tuple[str, ...]:
    """The order says nothing; the same ones in another are no change."""
    if wanted is None or set(wanted) == set(present):
        return present
    return tuple(wanted)


def _stored(book: RoleBook, *, but: Iterable[str | None]) -> list[RoleDefinition]:
    return [
        each
        for name, each in book.definitions.items()
        if book.origins[name] != "code" and name not in but
    ]


def _check_inheritors(book: RoleBook, name: str) -> None:
    inheritors = sorted(each.name for each in book.definitions.values() if name in each.inherits)
    if inheritors:
        raise ConflictError("Other roles inherit this one: " + ", ".join(inheritors[:10]))


def _shown(definition: RoleDefinition | None) -> dict[str, object] | None:
    if definition is None:
        return None
    return {
        "name": definition.name,
        "permissions": list(definition.permissions[:SHOWN]),
        "permission_count": len(definition.permissions),
        "inherits": list(definition.inherits),
        "level": definition.level,
    }


def _busy() -> ConflictError:
    return ConflictError("The roles were changed by others at the same moment: try again")
