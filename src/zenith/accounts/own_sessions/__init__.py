"""One's own sign-ins as JSON routes: list, name, end, confirm."""

from zenith.accounts.own_sessions.routes import add_session_routes

__all__ = ["add_session_routes"]
