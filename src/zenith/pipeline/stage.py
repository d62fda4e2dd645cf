"""The order of the guards, in the one place where it is written."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """Where in a request's way a guard stands. Requests pass downwards, responses upwards."""

    AUDIT = 10
    HEADERS = 20
    TRANSPORT = 30
    RATE_LIMIT = 40
    SESSION = 50
    AUTHENTICATION = 60
    CSRF = 70
    AUTHORIZATION = 80
