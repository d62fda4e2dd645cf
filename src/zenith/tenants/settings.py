"""Settings of tenants."""

from __future__ import annotations

import re
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantSettings:
    """How a request says which tenant it is about. Checked at construction.

    Whatever it says, its caller must belong to that tenant: some role is assigned to it there.
    """

    header: str | None = "X-Tenant"
    """Request header that names the tenant; None where none does."""

    domain: str | None = None
    """The domain below which each tenant has its host: with `example.org`, `acme.example.org` is
    about `acme`. Its hosts must be among `transport.allowed_hosts`."""

    only: bool = True
    """Whether a caller who belongs to a single tenant need not name it."""

    def __post_init__(self) -> None:
        if self.header is not None and _TOKEN.fullmatch(self.header) is None:
            raise ConfigurationError(
                "tenants.header is no name of a header", fix="write one such as X-Tenant"
            )
        if self.domain is not None and _DOMAIN.fullmatch(self.domain) is None:
            raise ConfigurationError(
                "tenants.domain is no domain", fix="write it in lower case, such as example.org"
            )
        if self.header is None and self.domain is None and not self.only:
            raise ConfigurationError(
                "tenants: nothing says which tenant a request is about",
                fix="set tenants.header, tenants.domain, or tenants.only",
            )
