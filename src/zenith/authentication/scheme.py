"""How a request proves who sends it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from zenith.kernel.principal import Principal
from zenith.pipeline.exchange import Exchange


class Scheme(Protocol):
    """Finds one kind of credential in a request and judges it."""

    @property
    def name(self) -> str:
        """Short and stable; recorded as `Principal.scheme` and in the audit log."""
        ...

    @property
    def challenge(self) -> str | None:
        """What to offer in WWW-Authenticate on a 401 (RFC 9110 section 11.6.1), if anything."""
        ...

    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """The principal, or None where the request carries no credential of this kind.

        Raises AuthenticationError for a credential that does not hold, BadRequestError for one
        that can be read in two ways, ServiceUnavailableError where it cannot be known.
        """
        ...


@runtime_checkable
class RecallingScheme(Scheme, Protocol):
    """A scheme that knows credentials which it has judged before, and need not wait for that."""

    def recall(self, exchange: Exchange) -> Principal | None:
        """The principal of a credential that was judged before and still holds; ANONYMOUS where
        the request carries none of this kind; None where `authenticate` must look. Never raises.
        """
        ...
