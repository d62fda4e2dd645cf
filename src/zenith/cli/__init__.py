"""The `zenith` command."""

from zenith.cli.application import main

__all__ = ["main"]
