"""The guards that keep the banned out: by address at the door, by account once it is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from zenith.abuse.bans.bans import Bans
from zenith.abuse.bans.errors import BannedError
from zenith.pipeline import Exchange, Guard, Stage

LOWEST_REFUSAL: Final = 400
PRESENTED: Final = "credential"
"""The rule of requests that no page can make a browser send: they carry a header of their own."""
CREDENTIALS: Final = (b"authorization", b"x-api-key", b"dpop")
OTHER_SITES: Final = frozenset({b"cross-site", b"same-site"})
"""Pages of others that make a visitor's browser ask (Sec-Fetch-Site)."""


class BanGuard(Guard):
    """Threat: a banned address that is still served, and a scanner that nobody stops.

    Refuses banned addresses and networks before limits are charged, and counts refusals for the
    rules of `BanSettings`, but for what pages of others make browsers ask for. List it
    after the transport guard, which says who the client is. HTTP and WebSocket handshakes alike; a
    socket that is open already stays open.
    """

    stage: ClassVar[Stage] = Stage.TRANSPORT

    def __init__(self, bans: Bans) -> None:
        self._bans: Final = bans
        self._banned: Final = bans.banned
        self._rules: Final = bans.rules

    def on_request(self, exchange: Exchange) -> None:
        """Refuse whoever is banned; raises BannedError."""
        if not self._banned.has_addresses:
            return
        until = self._banned.of_address(exchange.client)
        if until is not None:
            self._bans.refuse(until, exchange.client)

    def on_response(self, exchange: Exchange) -> None:
        """Count a refusal; ordinary responses pass."""
        if exchange.status < LOWEST_REFUSAL or not self._rules:
            return
        failure = exchange.refusal or exchange.failure
        if isinstance(failure, BannedError):
            return
        rule = self._rules.rule_of(
            exchange.status,
            failure,
            path=exchange.path,
            route=exchange.route,
            presented=any(name in exchange.headers for name in CREDENTIALS),
        )
        if rule is not None and (rule == PRESENTED or not _was_made_to_ask(exchange)):
            self._bans.refused(rule, exchange.client)


class PrincipalBanGuard(Guard):
    """Threat: a banned account or API key that comes from another address.

    Refuses whatever credential proved it. `owner_of` names the account behind a key: who is banned
    cannot go on with a key. List it after the guards that authenticate.
    """

    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def __init__(
        self, bans: Bans, *, owner_of: Callable[[Exchange], str | None] | None = None
    ) -> None:
        self._bans: Final = bans
        self._banned: Final = bans.banned
        self._owner_of: Final = owner_of

    def on_request(self, exchange: Exchange) -> None:
        """Refuse whoever is banned; raises BannedError."""
        if not self._banned.has_subjects or not exchange.principal.is_authenticated:
            return
        principal = exchange.principal
        if principal.kind != "api_key":
            self._check("account", principal.subject)
            return
        self._check("api_key", principal.subject)
        owner = None if self._owner_of is None else self._owner_of(exchange)
        if owner is not None:
            self._check("account", owner)

    def _check(self, kind: str, key: str) -> None:
        until = self._banned.of_subject(kind, key)
        if until is not None:
            self._bans.refuse(until, f"{kind}:{key}")


def _was_made_to_ask(exchange: Exchange) -> bool:
    """Whether a page made a browser ask: another site's, or any by an image or a script.

    Threat: a page full of images at trap paths, which gets each of its visitors banned. A program
    that pretends to be such a browser is not banned by itself; limits hold it all the same.
    """
    headers = exchange.headers
    return (
        headers.get(b"sec-fetch-site") in OTHER_SITES
        or headers.get(b"sec-fetch-mode") == b"no-cors"
    )
