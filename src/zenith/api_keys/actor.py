"""Who changes keys, and from where."""

from __future__ import annotations

from zenith.api_keys.key import APIKey
from zenith.api_keys.scheme import api_key_of
from zenith.api_keys.scopes import MANAGE_ALL
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import new_id
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.pipeline import Exchange

MAX_USER_AGENT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The caller of one change of keys."""

    principal: Principal
    owner_id: str | None
    """The account for which it may act; None where there is none."""
    address: str
    user_agent: str = ""
    request_id: str = ""
    trusted: bool = False
    """Whoever runs commands on the machine holds its database: no check would bind."""

    @classmethod
    def of(cls, exchange: Exchange) -> Actor:
        """The caller of the running request."""
        principal, key = exchange.principal, api_key_of(exchange)
        own = principal.subject if principal.kind == "user" else None
        return cls(
            principal=principal,
            owner_id=own if key is None else key.owner_id,
            address=exchange.client,
            user_agent=exchange.header(b"user-agent")[:MAX_USER_AGENT],
            request_id=exchange.request_id,
        )

    @classmethod
    def local(cls, principal: Principal) -> Actor:
        """Whoever runs a command, or code of the application itself."""
        return cls(
            principal=principal,
            owner_id=None,
            address="local",
            user_agent="zenith",
            request_id=new_id(),
            trusted=True,
        )

    @property
    def manages_all(self) -> bool:
        """Whether it may see and end everybody's keys, and make keys of services. Who holds the
        permission in a tenant may not: services and accounts are of no tenant.
        """
        principal = self.principal
        return self.trusted or (
            principal.tenant is None
            and principal.has_permission(MANAGE_ALL)
            and (principal.scopes is None or principal.has_scope(MANAGE_ALL))
        )

    def acts_for(self, tenant: str | None) -> bool:
        """Whether it may make and change keys that act there. A credential that was narrowed, or
        issued for a tenant, may do so only where it acts itself.
        """
        principal = self.principal
        free = self.trusted or (principal.scopes is None and principal.tenant is None)
        return free or principal.tenant == tenant

    def reaches(self, key: APIKey) -> bool:
        """Whether it may know of the key."""
        own = key.owner_id is not None and key.owner_id == self.owner_id
        return self.manages_all or (own and self.acts_for(key.tenant))

    def event(
        self, kind: EventType, *, at: float, target: str, details: dict[str, object]
    ) -> Event:
        """A security event that this caller caused."""
        return Event(
            type=kind,
            outcome="success",
            at=at,
            subject=self.principal.subject,
            target=target,
            session_id=self.principal.session_id,
            scheme=self.principal.scheme,
            address=self.address,
            user_agent=self.user_agent,
            request_id=self.request_id,
            severity="WARNING",
            details=details,
        )
