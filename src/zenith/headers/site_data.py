"""Clear-Site-Data: what a browser forgets of us when somebody signs out."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from zenith.headers.settings import HeadersSettings
from zenith.pipeline import Exchange

FOREIGN: Final = frozenset({b"cross-site", b"same-site"})


class SiteData:
    """What sign-outs clear; a service of the application."""

    __slots__ = ("_https", "_value")

    def __init__(self, settings: HeadersSettings, *, https_origin: bool = False) -> None:
        self._value: Final = ", ".join(f'"{kind}"' for kind in settings.clear_at_sign_out)
        self._https: Final = https_origin

    def clear(self, exchange: Exchange, response: Response) -> None:
        """Add the header, over https only: elsewhere browsers ignore it. Not for a page of another
        site that calls without cookies: with a token of its own it would sign out itself, and have
        the data of whoever looks at it forgotten.
        """
        headers = exchange.headers
        foreign = headers.get(b"sec-fetch-site") in FOREIGN and b"cookie" not in headers
        if self._value and not foreign and (self._https or exchange.secure):
            response.headers["Clear-Site-Data"] = self._value


def clear_site_data(exchange: Exchange, response: Response) -> None:
    """Have the browser forget what this origin has left in it: `clear_at_sign_out` of the settings.

    Threat: the next person at the same browser, who reads what pages kept in storage and caches, or
    goes back to them (ASVS 14.3.1). Zenith's own sign-outs call it; call it in yours. Programs
    ignore the header. Does nothing where the headers are off.
    """
    found = exchange.services.get(SiteData)
    if isinstance(found, SiteData):
        found.clear(exchange, response)
