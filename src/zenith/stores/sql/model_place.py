"""Where models live, said and checked without loading what models are made of."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import postgres_engine, sqlite_engine


def beside(settings: DatabaseSettings) -> str:
    """The URL of models where Zenith's own tables are in `settings`: the same server, or on SQLite
    a file beside, `zenith.db` and `zenith.models.db`.
    """
    url = settings.url.reveal()
    if not url.startswith("sqlite"):
        return url
    path = PurePosixPath(unquote(urlsplit(url).path).removeprefix("/"))
    return f"sqlite:///{quote(str(path.with_suffix('.models' + path.suffix)))}"


def check_place(settings: DatabaseSettings) -> None:
    """Raise ConfigurationError for what `ModelDatabase` could not be made of."""
    driver = sqlite_engine if settings.url.reveal().startswith("sqlite") else postgres_engine
    driver.make(settings, str)
