"""Who is kept out."""

from __future__ import annotations

from zenith.abuse.bans import Bans
from zenith.api_keys import api_key_of
from zenith.kernel.events import EventSink
from zenith.kernel.network import parse_networks
from zenith.pipeline import Exchange
from zenith.settings import Settings
from zenith.stores.sql import Database, SqlBanStore


def make_bans(settings: Settings, database: Database, events: EventSink) -> Bans:
    """Bans in SQL; trusted proxies are never banned."""
    trusted = () if settings.transport is None else settings.transport.trusted_proxies
    return Bans(
        SqlBanStore(database),
        settings.abuse.bans,
        proxies=parse_networks(trusted, setting="trusted_proxies"),
        events=events,
    )


def owner_of_key(exchange: Exchange) -> str | None:
    """The account behind the API key of a request."""
    key = api_key_of(exchange)
    return None if key is None else key.owner_id
