"""What makes another server the one that was meant."""

from __future__ import annotations

import ssl

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.tls import client_context


def usual_context() -> ssl.SSLContext:
    """TLS that verifies, by the system's authorities. Reads files: call it in a thread."""
    return client_context()


def check_context(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context of the application's own, with authorities of its own; raises ConfigurationError if
    it believes any certificate.
    """
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError(
            "the TLS context for outbound calls does not verify whom it speaks to",
            fix="add the authority: context.load_verify_locations(cafile), and leave verify_mode"
            " and check_hostname as ssl.PROTOCOL_TLS_CLIENT sets them",
        )
    return context
