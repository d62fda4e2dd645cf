"""Tokens after they were issued: introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

from zenith.accounts.issued_tokens.issued_tokens import IssuedTokens
from zenith.accounts.issued_tokens.routes import INTROSPECT, add_token_routes

__all__ = ["INTROSPECT", "IssuedTokens", "add_token_routes"]
