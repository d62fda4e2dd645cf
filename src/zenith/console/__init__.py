"""The web console: the pages of the ready server."""

from zenith.console.server import create_server

__all__ = ["create_server"]
