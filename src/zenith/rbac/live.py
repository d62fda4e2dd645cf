"""Roles as this process knows them: at most one second behind the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from zenith.rbac.definitions import RoleBook, repaired_book
from zenith.rbac.roles import Compiled, RoleSet
from zenith.rbac.settings import RbacSettings
from zenith.rbac.store import RoleStore

NOTHING_STORED: Final = -1


class LiveRoles:
    """The roles of code and database, compiled; exchanged as a whole when a definition changes.

    Threat: a permission that was taken away and still counts (ASVS 8.3.2). It follows the list of
    revocations, which asks it to look once a second, and at once when another process says so:
    `RevocationList.follow`. Until the store was asked for the first time, the roles are the code's.
    """

    def __init__(self, settings: RbacSettings, store: RoleStore) -> None:
        self.settings: Final = settings
        self._store: Final = store
        self._book: RoleBook = repaired_book(settings, (), version=NOTHING_STORED)

    @property
    def book(self) -> RoleBook:
        """Every definition, and where it comes from."""
        return self._book

    @property
    def current(self) -> RoleSet:
        """The compiled roles of this moment."""
        return self._book.roles

    def compile(self, roles: Iterable[str], permissions: Iterable[str] = ()) -> Compiled:
        """What `RoleSet.compile` says of the roles of this moment."""
        return self._book.roles.compile(roles, permissions)

    async def refresh(self) -> bool:
        """Look whether a definition has changed, and take over what has; whether there was one.

        Raises ServiceUnavailableError where the store cannot be asked.
        """
        if await self._store.version() == self._book.version:
            return False
        before = self._book
        self._book = await self.read()
        return before.version != NOTHING_STORED or before.definitions != self._book.definitions

    async def read(self) -> RoleBook:
        """The roles as the store has them now, for whoever is about to change them."""
        stored = await self._store.load()
        return repaired_book(self.settings, stored.definitions, version=stored.version)
