"""`@app.middleware("http")` works as in any FastAPI application, inside the guards."""

from __future__ import annotations

from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from zenith import Request, Zenith
from zenith.kernel.errors import ServiceUnavailableError


def install(app: Zenith) -> None:
    """Add the middlewares. `app.state.closed = True` closes the application for maintenance."""
    app.state.closed = False

    @app.middleware("http")
    async def version(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.app.state.closed:
            raise ServiceUnavailableError("Closed for maintenance", retry_after=600)
        response = await call_next(request)
        response.headers["X-API-Version"] = "1"
        return response
