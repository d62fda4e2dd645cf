"""TLS towards other servers."""

from __future__ import annotations

import ssl
from pathlib import Path


def client_context(ca_file: str | Path | None = None) -> ssl.SSLContext:
    """The system's authorities, or those in `ca_file` alone; names checked, TLS 1.2 or later (ASVS
    12.1.1, 12.3.2). Reads files: call it in a thread. Raises OSError as files do.

    Threat: `ssl.create_default_context` writes the keys of connections to the file that the
    environment names in SSLKEYLOGFILE, and with them whatever was sent.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cafile=ca_file)
    return context
