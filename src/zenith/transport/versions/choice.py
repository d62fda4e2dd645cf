"""The version that a request gets."""

from __future__ import annotations

from zenith.pipeline import Exchange
from zenith.pipeline.routes import route_path
from zenith.transport.versions.asked import Selector
from zenith.transport.versions.catalogue import Catalogue
from zenith.transport.versions.errors import VersionRequiredError, among
from zenith.transport.versions.version import ApiVersion


def chosen(
    exchange: Exchange, *, catalogue: Catalogue, selector: Selector | None, default: str | None
) -> ApiVersion | None:
    """The version of a request whose path names one by now; None where versions are nothing to it.

    Raises UnknownVersionError, VersionRequiredError or VersionNotAcceptableError.
    """
    path = route_path(exchange.scope)
    if not catalogue.holds(path):
        return None
    name = catalogue.named(path)
    if selector is None:
        return None if name is None else catalogue.find(name)
    if exchange.method == "OPTIONS" and name is None:
        # Preflights carry no headers of the request proper.
        return None
    asked = selector.ask(exchange.scope["headers"])
    if asked.fault is not None:
        raise asked.fault
    if name is None:
        if asked.is_silent and default is None:
            raise selector.refusal()
        return None
    if asked.version not in (None, name):
        detail = "Path and header name different versions"
        raise among(VersionRequiredError(detail), catalogue.versions)
    return catalogue.find(name)
