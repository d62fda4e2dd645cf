"""Real servers for tests: PostgreSQL, Redis (single, TLS, Cluster, Sentinel), commands, Chromium.

    python -m tests.services pytest ...     start all, export their addresses, run, stop all
    pytest tests/stores                     the fixtures start what is asked for, by the same code

A keeper process of its own session owns every server. It stops them and removes their folder as
soon as the pipe to its user closes, so nothing outlives a test run, however that run ends.
"""

from __future__ import annotations

from tests.services.client import Service, ServiceSet
from tests.services.errors import ServiceError

__all__ = ["Service", "ServiceError", "ServiceSet"]
