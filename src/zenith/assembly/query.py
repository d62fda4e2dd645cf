"""Models: where they live, and the session of each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.late_models import LateModels
from zenith.stores.model_sessions import ModelSessions
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.model_place import beside, check_place

if TYPE_CHECKING:
    from zenith.stores.sql import ModelDatabase


def model_database(settings: Settings) -> LateModels:
    """Where models live; nothing is opened yet. Raises ConfigurationError for what cannot be
    opened, and for Zenith's own SQLite file: a request that has written to it would wait for
    itself.
    """
    place, creates = _place(settings), _creates(settings)
    check_place(place)

    def make() -> ModelDatabase:
        from zenith.stores.sql import ModelDatabase  # noqa: PLC0415  see LateModels

        return ModelDatabase(place, create_tables=creates)

    return LateModels(make)


def check_models(models: LateModels, *, is_production: bool) -> Sequence[str]:
    """What `check_sensitive_columns` says of the application's tables, where it may have any."""
    if not models.is_wanted:
        return ()
    from zenith.assembly.inventory import check_sensitive_columns  # noqa: PLC0415  see LateModels

    return check_sensitive_columns(is_production=is_production)


def model_services(models: LateModels) -> dict[type, Any]:
    """What handlers that have models may ask the exchange for."""
    if not models.is_wanted:
        return {}
    return {type(models.database): models.database}


def model_sessions(settings: Settings, models: LateModels) -> ModelSessions:
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
