"""Who calls. Immutable: a change of privilege makes a new principal, never edits one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from zenith.kernel.permissions import NO_PERMISSIONS, Permissions
from zenith.kernel.records import dataclass

Kind: TypeAlias = Literal["user", "api_key", "service", "anonymous"]
NO_FACTORS: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of one request, as its credential proved it."""

    subject: str
    """The account's, key's or service's id; empty for the anonymous principal."""
    kind: Kind = "user"
    roles: frozenset[str] = frozenset()
    permissions: Permissions = NO_PERMISSIONS
    """Compiled from roles and own grants; `permissions.allow("users:write")`."""
    scopes: frozenset[str] | None = None
    """What the credential was narrowed to; None where the credential carries no scopes."""
    session_id: str | None = None
    """The sign-in that the credential belongs to: ending it ends the credential."""
    factors: Mapping[str, float] = field(default_factory=lambda: NO_FACTORS)
    """Factor name to the Unix time at which it was proven."""
    tenant: str | None = None
    owner: str | None = None
    """The account that an API key acts for; None for other kinds and for keys of services."""
    scheme: str = ""
    """Name of the scheme that recognised the credential; empty for the anonymous principal."""

    @property
    def is_authenticated(self) -> bool:
        """Whether a credential held."""
        return self.kind != "anonymous"

    def has_permission(self, permission: str) -> bool:
        """Whether the compiled permissions allow `permission` on any resource."""
        return self.permissions.allow(permission)

    def has_scope(self, scope: str) -> bool:
        """Whether the credential was issued with `scope`; without scopes, it was not."""
        return self.scopes is not None and scope in self.scopes


ANONYMOUS: Final = Principal(subject="", kind="anonymous")
