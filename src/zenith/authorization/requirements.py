"""What a route may require of its caller. Each is a pure function of the principal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zenith.authorization.decision import ALLOW, Decision
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import check_permission
from zenith.kernel.principal import Principal


class Requirement(Protocol):
    """One condition on the principal."""

    def decide(self, principal: Principal) -> Decision:
        """Allow or deny; never raises."""
        ...

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        ...


@dataclass(frozen=True, slots=True)
class Anyone:
    """Open to all, said out loud."""

    def decide(self, principal: Principal) -> Decision:
        """Allow."""
        del principal
        return ALLOW

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return "public"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Any caller whose credential held."""

    def decide(self, principal: Principal) -> Decision:
        """Allow every principal but the anonymous one."""
        if principal.is_authenticated:
            return ALLOW
        return Decision(allowed=False, detail="Authentication required", reason="anonymous")

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return "authenticated"


@dataclass(frozen=True, slots=True)
class HasPermission:
    """A permission on any resource; `:own` grants do not satisfy it."""

    permission: str

    def __post_init__(self) -> None:
        check_permission(self.permission)

    def decide(self, principal: Principal) -> Decision:
        """Allow who was granted the permission."""
        if principal.permissions.allow(self.permission):
            return ALLOW
        return _missing("Permission denied", self.permission, principal)

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"permission {self.permission}"


@dataclass(frozen=True, slots=True)
class HasRole:
    """A role, held or implied by a higher one."""

    role: str

    def __post_init__(self) -> None:
        if not self.role:
            raise ConfigurationError("require_role() names no role", fix='name one: "admin"')

    def decide(self, principal: Principal) -> Decision:
        """Allow who holds the role; roles on a principal include those that theirs imply."""
        if self.role in principal.roles:
            return ALLOW
        return _missing("Role required", self.role, principal)

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"role {self.role}"


@dataclass(frozen=True, slots=True)
class HasScope:
    """A scope that the credential itself was issued with (RFC 6750 section 3.1)."""

    scope: str

    def __post_init__(self) -> None:
        if not self.scope or any(character.isspace() for character in self.scope):
            raise ConfigurationError(
                f"`{self.scope}` is no scope", fix='name one without spaces: "read:data"'
            )

    def decide(self, principal: Principal) -> Decision:
        """Allow credentials with the scope. Those without scopes, such as sessions, are denied."""
        if principal.has_scope(self.scope):
            return ALLOW
        return _missing("Insufficient scope", self.scope, principal)

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"scope {self.scope}"


def _missing(what: str, name: str, principal: Principal) -> Decision:
    return Decision(
        allowed=False,
        detail=f"{what}: {name} required",
        reason=f"{principal.kind} {principal.subject or '-'} lacks {name}",
    )
