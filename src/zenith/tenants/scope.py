"""Whose data is meant: the tenant of the caller, or the one that code names."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from zenith.kernel.errors import BadRequestError
from zenith.kernel.records import dataclass
from zenith.pipeline.exchange import current_exchange
from zenith.tenants.errors import CallerRequiredError, TenantRequiredError

MAX_TENANT: Final = 128
"""Characters of a tenant's id."""
EVERY: Final = "*"
"""Stands for all tenants where roles are assigned and where rows are filtered: never an id."""
_log: Final = logging.getLogger("zenith.tenants")


@dataclass(frozen=True, slots=True)
class Scope:
    """One tenant, or all of them with the reason why."""

    tenant: str | None
    reason: str = ""


_scope: ContextVar[Scope | None] = ContextVar("zenith_tenant", default=None)


def check_tenant(text: str) -> str:
    """`text` if it can be the id of a tenant; raises BadRequestError."""
    if not 0 < len(text) <= MAX_TENANT or text == EVERY or not text.isprintable() or " " in text:
        raise BadRequestError("That is no tenant", reason="malformed tenant id")
    return text


def tenant_or_none() -> str | None:
    """The tenant whose data is meant; None where nobody has said, and inside `across_tenants`."""
    scope = _scope.get()
    if scope is not None:
        return scope.tenant
    exchange = current_exchange.get(None)
    return None if exchange is None else exchange.principal.tenant


def current_tenant() -> str:
    """The tenant whose data is meant: that of the block, else that of the caller.

    Threat: a query that runs for everybody because nobody said for whom (ASVS 8.4.1). Raises
    TenantRequiredError where there is none, CallerRequiredError for anonymous callers.
    """
    tenant = tenant_or_none()
    if not tenant:
        exchange = None if _scope.get() else current_exchange.get(None)
        if exchange is not None and not exchange.principal.is_authenticated:
            raise CallerRequiredError(reason="no tenant: anonymous")
        raise TenantRequiredError(reason="no tenant is set")
    return tenant


def is_across() -> bool:
    """Whether code has said that it reads the data of all tenants."""
    scope = _scope.get()
    return scope is not None and scope.tenant is None


@contextmanager
def tenant_scope(tenant: str) -> Generator[str]:
    """Inside the block the data of `tenant` is meant, whoever calls: for jobs, and for code that
    has decided about the caller itself. Raises BadRequestError for what is no id.

    A session belongs to the tenant for which it was first used: open one inside the block.
    """
    token = _scope.set(Scope(check_tenant(tenant)))
    try:
        yield tenant
    finally:
        _scope.reset(token)


@contextmanager
def across_tenants(reason: str) -> Generator[None]:
    """Inside the block statements read the rows of all tenants; what they would write is refused.

    For reports and for the operator's own tools. `reason` is logged. Raises ValueError without one.
    """
    if not reason.strip():
        raise ValueError("say why the data of all tenants is read: across_tenants('monthly bill')")
    _log.warning("the data of all tenants is read: %.200s", reason)
    token = _scope.set(Scope(None, reason))
    try:
        yield
    finally:
        _scope.reset(token)
