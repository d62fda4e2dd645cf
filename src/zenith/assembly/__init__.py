"""Puts the parts together, from settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.assembly.assembly import Assembly, assemble
    from zenith.assembly.own_routes import add_own_routes
    from zenith.assembly.session_cookies import check_session_cookies
    from zenith.assembly.start_record import StartRecord

__all__ = ["Assembly", "StartRecord", "add_own_routes", "assemble", "check_session_cookies"]

# All stores and drivers hang on it: it is for who makes an application, not who imports one.
__getattr__ = loader(
    __name__,
    {
        "Assembly": "assembly",
        "StartRecord": "start_record",
        "add_own_routes": "own_routes",
        "assemble": "assembly",
        "check_session_cookies": "session_cookies",
    },
)
