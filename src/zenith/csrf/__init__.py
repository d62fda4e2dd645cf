"""Cross-site request forgery: Fetch Metadata and Origin first, then a masked token (ASVS 3.5)."""

from zenith.csrf.depends import CsrfToken, csrf_field, csrf_token
from zenith.csrf.exemption import CsrfExemption, csrf_exempt
from zenith.csrf.guard import CsrfGuard
from zenith.csrf.origins import Origins
from zenith.csrf.settings import CsrfSettings
from zenith.csrf.tokens import CSRFProtection, CsrfTokens

__all__ = [
    "CSRFProtection",
    "CsrfExemption",
    "CsrfGuard",
    "CsrfSettings",
    "CsrfToken",
    "CsrfTokens",
    "Origins",
    "csrf_exempt",
    "csrf_field",
    "csrf_token",
]
