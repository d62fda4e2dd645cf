"""Handlers that join the logs while an application runs."""

from __future__ import annotations

import logging
import weakref
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

    __slots__ = ("__weakref__", "_added", "_factory", "_filter")

    def __init__(self, found: RedactionFilter) -> None:
        self._filter: Final = found
        self._added: Final[list[logging.Handler]] = []
        self._factory: _Factory | None = None

    def start(self) -> None:
        """Be asked for each record from now on."""
        factory: Any = logging.getLogRecordFactory()
        if not isinstance(factory, _Factory):
            factory = _Factory(factory)
            logging.setLogRecordFactory(factory)
        self._factory = factory
        factory.add(self)

    def stop(self) -> list[logging.Handler]:
        """Look no more; the handlers that got the filter."""
        if self._factory is not None:
            self._factory.remove(self)
        return self._added

    def look(self, name: str) -> None:
        """Protect the handlers that a record of the logger `name` will reach."""
        root = logging.root
        logger: Any = root if name == root.name else root.manager.loggerDict.get(name)
        while isinstance(logger, logging.Logger):
            for handler in logger.handlers:
                if self._filter not in handler.filters:
                    self._added.extend(add_filter(self._filter, [handler]))
            logger = logger.parent if logger.propagate else None


class _Factory:
    """Makes records as whoever was asked before, and has those look who watch.

    One for all applications of a process, which may be many, and not all of them stopped, as in
    tests: it holds none of them. Behind a factory of others it stays, and only hands on.
    """

    __slots__ = ("_previous", "_watching")

    def __init__(self, previous: Callable[..., logging.LogRecord]) -> None:
        self._previous: Final = previous
        # Replaced as a whole: other threads may be going through it.
        self._watching: tuple[weakref.ref[HandlerWatch], ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        if args and isinstance(args[0], str):
            for reference in self._watching:
                watch = reference()
                if watch is not None:
                    watch.look(args[0])
        return self._previous(*args, **kwargs)

    def add(self, watch: HandlerWatch) -> None:
        """Have it look from now on."""
        self._watching = (*self._others(watch), weakref.ref(watch))

    def remove(self, watch: HandlerWatch) -> None:
        """Have it look no more; where nobody does, all is as it was before."""
        self._watching = self._others(watch)
        if not self._watching and logging.getLogRecordFactory() is self:
            logging.setLogRecordFactory(self._previous)

    def _others(self, watch: HandlerWatch) -> tuple[weakref.ref[HandlerWatch], ...]:
        return tuple(each for each in self._watching if each() not in (None, watch))
