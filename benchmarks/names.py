"""Names of rows that two places must agree on: who measures them, and who draws them."""

from __future__ import annotations

from typing import Final

SEEN: Final = "GET, token seen before"
UNSEEN: Final = "GET, token never seen"
COOKIE: Final = "GET, token or cookie session"
"""Django has no tokens of its own: a browser that is signed in asks it instead."""
CHANGE: Final = "POST, cookie session and CSRF"
ASSEMBLED: Final = "assembled stack"
LITESTAR: Final = "Litestar's own"
DJANGO: Final = "Django's own"
RULES: Final = (10, 100, 1000)
LIMITS: Final = (1, 3)


def kept(kind: str) -> str:
    """Our share of the bare framework's throughput."""
    return f"{kind}: throughput kept"


def kept_of(kind: str, bare: str) -> str:
    """Each one's share of its own bare framework."""
    return f"{kind}: kept of bare {bare}"


def hit(limits: int) -> str:
    """One hit that counts for so many limits."""
    return f"hit, {limits} limit{'s' if limits > 1 else ''}"


def by_attribute(rules: int) -> str:
    """A decision among so many rules."""
    return f"{rules:,} rules, by a key attribute"
