"""Roles that demand a second factor: without one, nothing but adding one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from zenith.accounts.factors import DuringEnrolment
from zenith.authorization import Access
from zenith.authorization.requirements import Anyone
from zenith.kernel.principal import ANONYMOUS
from zenith.kernel.problem import prefers_html
from zenith.kernel.records import dataclass
from zenith.mfa.errors import FactorEnrolmentError, LedToEnrolmentError
from zenith.mfa.trusted_devices import TRUSTED_DEVICE
from zenith.mfa.verification import SECOND_FACTORS
from zenith.pipeline import Exchange, Guard, Stage

SUFFICIENT: Final = frozenset((*SECOND_FACTORS, TRUSTED_DEVICE))


@dataclass(frozen=True, slots=True)
class EnrolmentPage:
    """A service of applications with pages: where people add a second factor."""

    path: str


class EnrolmentGuard(Guard):
    """Refuses sign-ins without a second factor where a role of theirs demands it (ASVS 6.3.3).

    Threat: a demand that is only shown, while the session that the password alone has opened works
    everywhere. This runs before every route, WebSockets included. Routes that lead to a factor or
    out are declared `authenticated_to_enrol`; public ones see nobody, so that they can do no more
    for such a caller than for a stranger.
    """

    stage: ClassVar[Stage] = Stage.AUTHORIZATION

    def __init__(self, required_roles: Iterable[str]) -> None:
        self._roles: Final = frozenset(required_roles)

    def on_request(self, exchange: Exchange) -> None:
        """Refuse, or lead a browser to the page."""
        principal = exchange.principal
        if (
            principal.kind != "user"
            or self._roles.isdisjoint(principal.roles)
            or not SUFFICIENT.isdisjoint(principal.factors)
        ):
            return
        accesses = [mark for mark in exchange.marks if isinstance(mark, Access)]
        if any(isinstance(access, DuringEnrolment) for access in accesses):
            return
        if accesses and all(isinstance(access.requirement, Anyone) for access in accesses):
            exchange.principal = ANONYMOUS
            return
        reason = f"user {principal.subject}: a role demands a second factor"
        page = exchange.services.get(EnrolmentPage)
        if isinstance(page, EnrolmentPage) and exchange.is_safe and prefers_html(exchange.headers):
            raise LedToEnrolmentError(page.path, reason=reason)
        raise FactorEnrolmentError(reason=reason)
