"""What handlers ask for."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from zenith.mfa.services import MfaServices
from zenith.pipeline import exchange_of


def mfa_services(connection: HTTPConnection) -> MfaServices:
    """The application's flows of second factors."""
    return exchange_of(connection.scope).service(MfaServices)
