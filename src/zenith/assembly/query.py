"""Models: where they live, and the session of each request."""

from __future__ import annotations

from dataclasses import replace

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.model_sessions import ModelSessions
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import ModelDatabase
from zenith.stores.sql.model_database import beside


def model_database(settings: Settings) -> ModelDatabase:
    """Where models live; nothing is opened yet. Raises ConfigurationError for Zenith's own SQLite
    file: a request that has written to it would wait for itself.
    """
    return ModelDatabase(_place(settings), create_tables=_creates(settings))


def model_sessions(settings: Settings, models: ModelDatabase) -> ModelSessions:
    """What gives each request its session."""
    return ModelSessions(models, check_tables=not _creates(settings))


def _place(settings: Settings) -> DatabaseSettings:
    own, url = settings.database_or_embedded, settings.query.url
    if url is None:
        return replace(own, url=Secret(beside(own)))
    if url.reveal().startswith("sqlite") and url.reveal() == own.url.reveal():
        raise ConfigurationError(
            "query.url is the SQLite file of Zenith's own tables, which has one writer",
            fix="leave it out, or name another file",
        )
    return replace(own, url=url)


def _creates(settings: Settings) -> bool:
    if settings.query.create_tables is not None:
        return settings.query.create_tables
    embedded = _place(settings).url.reveal().startswith("sqlite")
    return embedded or not settings.is_production
