"""What a developer sees of an error where `debug` is on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from zenith.assembly.data_models import secret_names
from zenith.kernel.log_settings import LogSettings
from zenith.kernel.redaction import Redactor
from zenith.kernel.tracebacks import redacted_traceback


def debug_page(request: Request, error: Exception) -> Response:
    """The traceback without secrets, in place of Starlette's page: that one repeats the texts of
    exceptions as they are, and on a shared screen, in a screenshot or a ticket they stay (ASVS
    13.4.2, 16.5.1).
    """
    app = request.app
    settings = app.assembly.settings.logs or LogSettings()
    redactor = Redactor((*settings.secret_names, *secret_names(app)))
    return PlainTextResponse(redacted_traceback(error, redactor), status_code=500)
