"""What can go wrong with a server of the tests."""

from __future__ import annotations


class ServiceError(Exception):
    """A server cannot be found, started or reached. The text says what to do."""
