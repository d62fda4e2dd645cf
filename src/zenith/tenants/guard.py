"""The guard that finds out which tenant a request is about, and whether its caller is in it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar, Final

from zenith.authentication import SubjectCache, lasts
from zenith.authorization import is_about_all
from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import BadRequestError, PermissionDeniedError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import Exchange, Guard, Mark, Stage
from zenith.tenants.membership import Membership
from zenith.tenants.scope import check_tenant
from zenith.tenants.settings import TenantSettings


class TenantGuard(Guard):
    """Threat: a request that names a tenant its caller does not belong to (ASVS 8.4.1).

    Sets the tenant of the principal, and what it may do there; everything behind believes it. A
    tenant that there is not is refused in the same words as one that the caller is no member of. A
    credential that was issued for a tenant keeps it. Routes that are about all tenants
    (`require_everywhere`) are about none: their callers stay outside. List it after the guard that
    authenticates.
    """

    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def __init__(
        self,
        subjects: SubjectCache,
        settings: TenantSettings | None = None,
        *,
        steady: Clock = steady_clock,
    ) -> None:
        settings = settings or TenantSettings()
        self._steady: Final = steady
        self._subjects: Final = subjects
        self._only: Final = settings.only
        self._header: Final = (settings.header or "").lower().encode("ascii")
        # One entry per set of marks that the routes declare, so the routes bound it.
        self._about_all: Final[dict[tuple[Mark, ...], bool]] = {}
        self._domain: Final = "" if settings.domain is None else f".{settings.domain}"

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Refuse callers who do not belong to the tenant that is named."""
        principal = exchange.principal
        if not principal.is_authenticated:
            return None
        if principal.tenant is None and self._is_about_all(exchange.marks):
            return None
        named = self._named(exchange)
        if principal.tenant is not None:
            if named not in (None, principal.tenant):
                raise _stranger(f"a credential of tenant {principal.tenant}")
            return None
        if named is None and not self._only:
            return None
        return self._enter(exchange, named)

    def _is_about_all(self, marks: tuple[Mark, ...]) -> bool:
        found = self._about_all.get(marks)
        if found is None:
            found = self._about_all[marks] = any(map(is_about_all, marks))
        return found

    async def _enter(self, exchange: Exchange, named: str | None) -> None:
        principal = exchange.principal
        if principal.kind != "user" or principal.scopes is not None:
            if named is not None:
                raise _stranger("a narrowed credential belongs to no tenant")
            return
        subject = await self._subjects.find(principal.subject)
        tenants = frozenset[str]() if subject is None else subject.tenants
        if named is None:
            if len(tenants) != 1:
                return
            (named,) = tenants
        elif named not in tenants:
            raise _stranger("no role is assigned there")
        membership = Membership(self._subjects, principal, named)
        acting = await membership.acting()
        if acting is None:
            raise _stranger("the account is gone or locked")
        exchange.state[TenantGuard] = principal
        exchange.principal = acting
        # Roles here may be taken away while the request lasts, and none outside.
        lasts(exchange, membership.reconsider, self._steady)

    def _named(self, exchange: Exchange) -> str | None:
        by_header = exchange.headers.get(self._header) if self._header else None
        host = exchange.host.partition(":")[0].lower()
        by_host = host.removesuffix(self._domain) if self._domain else host
        if by_host == host:
            by_host = ""
        if by_header is None:
            return check_tenant(by_host) if by_host else None
        named = check_tenant(by_header.decode("latin-1"))
        if by_host and named != by_host:
            raise BadRequestError("Host and header name different tenants", reason="two tenants")
        return named


def outside(exchange: Exchange) -> Principal:
    """The caller as it is outside of tenants, for pages that say what else it may open: routes
    about all tenants (`require_everywhere`) decide by this. Of a credential that was issued for a
    tenant, nobody.
    """
    if exchange.principal.tenant is None:
        return exchange.principal
    found: Principal = exchange.state.get(TenantGuard, ANONYMOUS)
    return found


def _stranger(reason: str) -> PermissionDeniedError:
    return PermissionDeniedError("You do not belong to this tenant", reason=reason)
