"""What a route may require of its caller. Each is a pure function of the principal."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Final, Protocol

from zenith.authorization.decision import ALLOW, Decision
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import OWN, check_permission
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass

STEP_UP: Final = 600.0
"""Seconds for which a proof is recent, unless a route says otherwise."""
LONGEST: Final = 400 * 24 * 3600.0
CLOCK_SKEW: Final = 60.0
"""Seconds by which the clock of the process that noted a proof may be ahead of ours."""
_FACTOR: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


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
    """A permission on any resource; `:own` grants do not satisfy it, nor, where it must be held
    `everywhere`, those of one tenant.
    """

    permission: str
    everywhere: bool = False

    def __post_init__(self) -> None:
        check_permission(self.permission)

    def decide(self, principal: Principal) -> Decision:
        """Allow who was granted the permission."""
        held = principal.permissions.allow(self.permission)
        if held and not (self.everywhere and principal.tenant is not None):
            return ALLOW
        return _missing("Permission denied", self.permission, principal)

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"permission {self.permission}{' everywhere' if self.everywhere else ''}"


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


@dataclass(frozen=True, slots=True)
class HasFactor:
    """A recent proof of one of `factors`, at most `within` seconds old."""

    factors: tuple[str, ...]
    within: float = STEP_UP
    clock: Clock = field(default=wall_clock, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.factors or not all(map(_FACTOR.fullmatch, self.factors)):
            raise ConfigurationError(
                f"require_factor{self.factors!r} names no factor",
                fix='name one or more: require_factor("password", "passkey")',
            )
        if not 1.0 <= self.within <= LONGEST:
            raise ConfigurationError(
                f"require_factor(within={self.within:g}) is no time",
                fix=f"set it between 1 and {LONGEST:g} seconds, such as 10 * 60",
            )

    def decide(self, principal: Principal) -> Decision:
        """Allow who proved one of the factors a short time ago. A proof that lies in the future,
        but for what clocks differ, is none: it would hold for ever.
        """
        if not principal.is_authenticated:
            return Decision(allowed=False, reason="anonymous")
        now, proven = self.clock(), principal.factors
        for factor in self.factors:
            if factor in proven and -CLOCK_SKEW <= now - proven[factor] <= self.within:
                return ALLOW
        return Decision(
            allowed=False,
            reason=f"{principal.kind} {principal.subject}: no recent {' or '.join(self.factors)}",
            factors=self.factors,
            max_age=self.within,
        )

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"{' or '.join(self.factors)} within {self.within:g} s"


@dataclass(frozen=True, slots=True)
class HasPermissionOrOwn:
    """A permission, if only on what the caller owns: what is asked before the object is loaded."""

    permission: str
    owner: str

    def __post_init__(self) -> None:
        check_permission(self.permission)

    def decide(self, principal: Principal) -> Decision:
        """Allow who was granted the permission, or the same with `:own`."""
        if principal.permissions.allow_own(self.permission):
            return ALLOW
        return _missing("Permission denied", self.permission, principal)

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"permission {self.permission}, or its owner with {self.permission}:{OWN}"


@dataclass(frozen=True, slots=True)
class FollowsPolicy:
    """What a policy says of an action, on the object where one is loaded."""

    policy: str
    action: str
    with_object: bool = False

    def decide(self, principal: Principal) -> Decision:
        """Deny: of the principal alone nothing follows."""
        return Decision(
            allowed=False, reason=f"{self.policy} was not asked about {principal.subject or '-'}"
        )

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"policy {self.policy}: {self.action}" + (" (object)" if self.with_object else "")


@dataclass(frozen=True, slots=True)
class SeesAllowed:
    """Anybody, but of each list only the rows that a policy allows."""

    policy: str
    action: str
    model: str

    def decide(self, principal: Principal) -> Decision:
        """Allow: who may see nothing gets an empty list."""
        del principal
        return ALLOW

    def describe(self) -> str:
        """As a reader of the route table sees it."""
        return f"policy {self.policy}: {self.action} (rows of {self.model})"


def _missing(what: str, name: str, principal: Principal) -> Decision:
    return Decision(
        allowed=False,
        detail=f"{what}: {name} required",
        reason=f"{principal.kind} {principal.subject or '-'} lacks {name}",
    )
