"""What somebody may do in a tenant now."""

from __future__ import annotations

from typing import Final

from zenith.authentication import SubjectCache, acting_in
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange


class Membership:
    """A person in a tenant; `principal` is as it is outside of it."""

    __slots__ = ("_principal", "_subjects", "_tenant")

    def __init__(self, subjects: SubjectCache, principal: Principal, tenant: str) -> None:
        self._subjects: Final = subjects
        self._principal: Final = principal
        self._tenant: Final = tenant

    async def acting(self) -> Principal | None:
        """The principal inside; None where the account is gone or locked."""
        inside = await self._subjects.find(self._principal.subject, self._tenant)
        if inside is None or not inside.active:
            return None
        return acting_in(self._principal, inside)

    async def reconsider(self, exchange: Exchange, *, used: bool) -> Principal | None:
        """The same once a body has taken its time; None also for who belongs there no more."""
        del exchange, used
        subject = await self._subjects.find(self._principal.subject)
        if subject is None or self._tenant not in subject.tenants:
            return None
        return await self.acting()
