"""Logs without secrets, for as long as an application runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from zenith.assembly.assembly import Assembly
from zenith.assembly.data_models import secret_names
from zenith.audit import AuditLog
from zenith.kernel.log_redaction import RedactionFilter, add_filter, every_handler
from zenith.kernel.log_settings import LogSettings
from zenith.kernel.log_watch import HandlerWatch
from zenith.kernel.redaction import Redactor
from zenith.pipeline import Guard, Stage


class LogProtection(Guard):
    """Puts a filter on every handler of the program when the application starts, and takes it off
    when it stops; looks at no request.

    Threat: secrets in the server's and the libraries' own lines, which nobody thought of, and in
    the text of exceptions (ASVS 16.2.5, 16.5.1). Its names are those of all sensitive fields that
    the application's routes and tables have. Handlers that are added later get it too, before
    their first record (`HandlerWatch`).
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(self, app: Any, settings: LogSettings, audit: AuditLog | None) -> None:
        self._app: Final = app
        self._settings: Final = settings
        self._audit: Final = audit
        self._filter: RedactionFilter | None = None
        self._handlers: list[logging.Handler] = []
        self._watch: HandlerWatch | None = None

    async def startup(self) -> None:
        """Now the routes are known, and the server has set up its logs."""
        redactor = Redactor((*self._settings.secret_names, *secret_names(self._app)))
        # Where two applications run, the one that stops first must not leave the other without.
        self._filter = RedactionFilter(redactor, is_lasting=False)
        self._handlers = add_filter(self._filter, every_handler())
        self._watch = HandlerWatch(self._filter)
        self._watch.start()
        if self._audit is not None:
            self._audit.redactor = redactor

    async def shutdown(self) -> None:
        """Leave the program's logs as they were."""
        late = [] if self._watch is None else self._watch.stop()
        if self._filter is not None:
            for handler in (*self._handlers, *late):
                handler.removeFilter(self._filter)
        self._filter, self._watch, self._handlers = None, None, []


def log_guards(app: Any, assembly: Assembly) -> Sequence[Guard]:
    """What protects the logs, unless that is off."""
    settings = assembly.settings.logs
    if settings is None:
        return ()
    return (LogProtection(app, settings, assembly.services.get(AuditLog)),)
