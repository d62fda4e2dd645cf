"""What clients say of themselves, as it may be stored and shown."""

from __future__ import annotations

from typing import Final

MAX_ADDRESS: Final = 64
MAX_USER_AGENT: Final = 256


def address_text(address: str) -> str:
    """A client's address as a session keeps it."""
    return _printable(address, MAX_ADDRESS)


def agent_text(user_agent: str) -> str:
    """A client's user agent as a session keeps it."""
    return _printable(user_agent, MAX_USER_AGENT)


def _printable(text: str, length: int) -> str:
    """Databases refuse some control characters, terminals obey others."""
    text = text[:length]
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())
