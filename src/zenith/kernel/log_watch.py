"""Handlers that join the logs while an application runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from zenith.kernel.log_redaction import RedactionFilter, add_filter


class HandlerWatch:
    """Puts a filter on handlers before the first record reaches them.

    Threat: logs are set up once more after the start, in the application's own lifespan or by a
    reload of its configuration, and all that is written from then on is as it was (ASVS 16.2.5).
    The factory of records is asked before any handler is, and knows which logger is meant. Loggers
    that nobody else knows (`logging.Logger("mine")`) are not found by their name.
    """

    __slots__ = ("_added", "_filter", "_previous")

    def __init__(self, found: RedactionFilter) -> None:
        self._filter: RedactionFilter | None = found
        self._added: Final[list[logging.Handler]] = []
        self._previous: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()

    def start(self) -> None:
        """Be asked for each record from now on."""
        self._previous = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self)

    def stop(self) -> list[logging.Handler]:
        """Look no more; the handlers that got the filter. Behind a factory of others this one
        stays, and only hands on.
        """
        self._filter = None
        factory = logging.getLogRecordFactory()
        if isinstance(factory, HandlerWatch):
            logging.setLogRecordFactory(factory.rest())
        return self._added

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """A record, as whoever was asked before makes it."""
        if self._filter is not None and args and isinstance(args[0], str):
            self._look(self._filter, args[0])
        return self._previous(*args, **kwargs)

    def _look(self, found: RedactionFilter, name: str) -> None:
        root = logging.root
        logger: Any = root if name == root.name else root.manager.loggerDict.get(name)
        while isinstance(logger, logging.Logger):
            for handler in logger.handlers:
                if found not in handler.filters:
                    self._added.extend(add_filter(found, [handler]))
            logger = logger.parent if logger.propagate else None

    def rest(self) -> Callable[..., logging.LogRecord]:
        """This factory, or who is asked next if it has stopped; the same for those behind it."""
        if isinstance(self._previous, HandlerWatch):
            self._previous = self._previous.rest()
        return self._previous if self._filter is None else self
