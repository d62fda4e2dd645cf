"""Where a flow's request came from, for limits, sessions and the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from zenith.kernel.events import Event, EventType, Outcome, Severity
from zenith.kernel.keys import new_id
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.pipeline.exchange import Exchange
from zenith.tokens import proven_key

MAX_USER_AGENT = 256
TRUST_COOKIE = "zenith-trusted"
"""Without the `__Host-` that it carries where cookies are secure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The other end of a request."""

    address: str
    user_agent: str = ""
    request_id: str = ""
    device: str = ""
    """Value of the device cookie, believed only after it was verified."""
    trust: str = ""
    """Value of the trusted device's cookie, believed only after it was verified."""
    thumbprint: str | None = None
    """The key that the request has proven (RFC 9449), to which tokens issued now are bound."""
    proof: str = ""
    """Solution of a proof-of-work challenge, as it came."""
    remember: bool = False
    """Whether its owner chose a longer session for this device."""

    @classmethod
    def of(
        cls,
        exchange: Exchange,
        *,
        device_cookie: str = "",
        proof: str = "",
        remember: bool = False,
    ) -> Client:
        """The client of the running request."""
        return cls(
            address=exchange.client,
            user_agent=exchange.header(b"user-agent")[:MAX_USER_AGENT],
            request_id=exchange.request_id,
            device=exchange.cookies.get(device_cookie, "") if device_cookie else "",
            trust=_trust_of(exchange.cookies),
            thumbprint=proven_key(exchange),
            proof=proof,
            remember=remember,
        )

    @classmethod
    def local(cls) -> Client:
        """Whoever runs a command on the machine itself."""
        return cls(address="local", user_agent="zenith", request_id=new_id())

    def event(
        self,
        kind: EventType,
        outcome: Outcome,
        *,
        at: float,
        subject: str | None = None,
        target: str | None = None,
        session_id: str | None = None,
        scheme: str = "",
        reason: str = "",
        severity: Severity = "INFO",
    ) -> Event:
        """A security event that this client caused."""
        return Event(
            type=kind,
            outcome=outcome,
            at=at,
            subject=subject,
            target=target,
            session_id=session_id,
            scheme=scheme,
            address=self.address,
            user_agent=self.user_agent,
            request_id=self.request_id,
            reason=reason,
            severity=severity,
        )

    def own_event(
        self, principal: Principal, kind: EventType, outcome: Outcome, *, at: float, reason: str
    ) -> Event:
        """What the principal did, or failed to do, with its own account."""
        return self.event(
            kind,
            outcome,
            at=at,
            subject=principal.subject,
            session_id=principal.session_id,
            reason=reason,
            severity="INFO" if outcome == "success" else "WARNING",
        )


def _trust_of(cookies: Mapping[str, str]) -> str:
    return cookies.get(f"__Host-{TRUST_COOKIE}") or cookies.get(TRUST_COOKIE, "")
