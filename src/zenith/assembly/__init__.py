"""Puts the parts together, from settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.assembly.arguments import check_arguments, refuse_unsafe
    from zenith.assembly.assembly import Assembly, assemble
    from zenith.assembly.debugging import debug_page
    from zenith.assembly.logs import log_guards
    from zenith.assembly.own_routes import add_own_routes
    from zenith.assembly.query import check_models
    from zenith.assembly.recorded_start import start_record
    from zenith.assembly.session_cookies import check_session_cookies

__all__ = [
    "Assembly",
    "add_own_routes",
    "assemble",
    "check_arguments",
    "check_models",
    "check_session_cookies",
    "debug_page",
    "log_guards",
    "refuse_unsafe",
    "start_record",
]

# All stores and drivers hang on it: it is for who makes an application, not who imports one.
__getattr__ = loader(
    __name__,
    {
        "Assembly": "assembly",
        "add_own_routes": "own_routes",
        "assemble": "assembly",
        "check_arguments": "arguments",
        "check_models": "query",
        "check_session_cookies": "session_cookies",
        "debug_page": "debugging",
        "log_guards": "logs",
        "refuse_unsafe": "arguments",
        "start_record": "recorded_start",
    },
)
