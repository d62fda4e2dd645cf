"""Security headers and Content-Security-Policy on every response (ASVS 3.4)."""

from zenith.headers.collector import ReportCollector
from zenith.headers.csp import CompiledPolicy, ContentSecurityPolicy
from zenith.headers.depends import CspNonce, csp_nonce
from zenith.headers.guard import HeadersGuard, SecurityHeadersMiddleware
from zenith.headers.overrides import HeadersOverride, csp, response_headers
from zenith.headers.permissions_policy import DENIED_FEATURES
from zenith.headers.reports import BrowserReport
from zenith.headers.routes import report_endpoint
from zenith.headers.security_headers import SecurityHeaders
from zenith.headers.settings import HeadersSettings
from zenith.headers.site_data import clear_site_data
from zenith.headers.sources import NONCE, NONE, SELF, STRICT_DYNAMIC
from zenith.headers.store import DayCount, ReportCount, ReportStore

__all__ = [
    "DENIED_FEATURES",
    "NONCE",
    "NONE",
    "SELF",
    "STRICT_DYNAMIC",
    "BrowserReport",
    "CompiledPolicy",
    "ContentSecurityPolicy",
    "CspNonce",
    "DayCount",
    "HeadersGuard",
    "HeadersOverride",
    "HeadersSettings",
    "ReportCollector",
    "ReportCount",
    "ReportStore",
    "SecurityHeaders",
    "SecurityHeadersMiddleware",
    "clear_site_data",
    "csp",
    "csp_nonce",
    "report_endpoint",
    "response_headers",
]
