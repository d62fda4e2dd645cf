"""What every limit on a route has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from zenith.pipeline import EnforcedMark, Exchange
from zenith.rate_limits.charges import charges_of


class DeclaredLimit(EnforcedMark, ABC):
    """Something that limits a route: charged by guards before the body is read, or, where none
    has, when the endpoint is called.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def needs_principal(self) -> bool:
        """Whether it can be charged only once it is known who calls."""

    def is_settled(self, exchange: Exchange) -> bool:
        """Whether a guard has charged it."""
        return charges_of(exchange).has(self)
