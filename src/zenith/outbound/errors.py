"""Why a call of another server failed. What the other end said is repeated nowhere.

OutboundError                502
├── CallRefusedError         422   the text of the URL or a header decides: nothing was asked
├── AddressRefusedError      502   the name leads to where no call may go
├── RedirectRefusedError     502   the other server leads to where no call may go
├── UnreachableError         502   no such name, no connection
│   └── UntrustedError       502   a certificate that does not hold, or no TLS that is safe
├── OutboundTimeoutError     502   too slow to look up, to connect, to answer, or in all
├── AnswerTooLargeError      502   more than is taken, packed or unpacked
└── MalformedAnswerError     502   not HTTP, not in the coding or not of the kind that was asked for

Those with 502 look alike to the client: which names exist inside, which ports answer and how is
what a forged request wants to learn. `reason`, for the audit log, tells them apart; it names hosts
and addresses, never paths, queries, headers or bodies, which hold secrets.
"""

from __future__ import annotations

from zenith.kernel.errors import SecurityError


class OutboundError(SecurityError):
    """Another server could not be asked."""

    code, status, title = "outbound_failed", 502, "Another server could not be asked"

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class CallRefusedError(OutboundError):
    """Such a call is never made. What the client sent decides, so the client may know."""

    code, status, title = "call_refused", 422, "This address is not called"


class AddressRefusedError(OutboundError):
    """The host has an address that is not public, or no readable one."""


class RedirectRefusedError(OutboundError):
    """The answer is a redirect that is not followed."""


class UnreachableError(OutboundError):
    """There is no connection: to the name, by TCP, or by TLS."""


class UntrustedError(UnreachableError):
    """TLS cannot say that the other end is who it should be, or not as it must (ASVS 12.3.2)."""


class OutboundTimeoutError(OutboundError):
    """The time for one step or for the whole call is over."""


class AnswerTooLargeError(OutboundError):
    """The answer was cut off where the limit is."""


class MalformedAnswerError(OutboundError):
    """The answer cannot be read."""
