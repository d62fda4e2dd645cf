"""Interactive API documentation from local files, under the strict policy (ASVS 3.6.1)."""

from zenith.api_docs.page import (
    PAGE_DIRECTIVES,
    PAGE_OPENER_POLICY,
    REDIRECT_OPENER_POLICY,
    docs_page,
    redirect_page,
)
from zenith.api_docs.problems import declare_problems
from zenith.api_docs.routes import docs_routes
from zenith.api_docs.security import declare_security

__all__ = [
    "PAGE_DIRECTIVES",
    "PAGE_OPENER_POLICY",
    "REDIRECT_OPENER_POLICY",
    "declare_problems",
    "declare_security",
    "docs_page",
    "docs_routes",
    "redirect_page",
]
