"""Where callers are led who must prove again that it is they."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

from zenith.authorization.errors import FactorRequiredError, LedToConfirmationError
from zenith.kernel.errors import SecurityError
from zenith.kernel.problem import prefers_html
from zenith.kernel.records import dataclass
from zenith.pipeline.exchange import Exchange

START: Final = "/"


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """A service of applications with pages: where a person proves a factor again."""

    path: str
    """Path of this application. It is told `factor` (those that would do), `within` (seconds),
    `next` (a path of this application), and `sent` if a form was on its way."""


def factor_refusal(
    exchange: Exchange, factors: Sequence[str], *, max_age: float, reason: str
) -> SecurityError:
    """What a caller without a recent proof is answered: programs a challenge (RFC 9470), browsers
    that show the answer to a person the way to the page.
    """
    page = exchange.services.get(ConfirmPage)
    shown = not exchange.is_websocket and prefers_html(exchange.headers)
    if not shown or not isinstance(page, ConfirmPage) or exchange.path == page.path:
        return FactorRequiredError(factors, max_age=max_age, reason=reason)
    query = [("factor", " ".join(factors)), ("within", str(int(max_age)))]
    if exchange.is_safe:
        query.append(("next", exchange.address))
    else:
        # A form cannot be sent anew from another page; its own page can be shown again.
        query += [("next", _sender(exchange)), ("sent", "1")]
    return LedToConfirmationError(f"{page.path}?{urlencode(query)}", reason=reason)


def _sender(exchange: Exchange) -> str:
    """The page of this application that holds the form, as far as the browser tells."""
    try:
        parts = urlsplit(exchange.header(b"referer"))
    except ValueError:
        return START
    if not exchange.host or parts.netloc != exchange.host:
        return START
    # Browsers take what follows two slashes for another host.
    path = START + parts.path.lstrip(START)
    return f"{path}?{parts.query}" if parts.query else path
