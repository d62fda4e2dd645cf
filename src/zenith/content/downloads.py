"""Headers with which files of others are served."""

from __future__ import annotations

from typing import Final

from zenith.content.header_values import content_disposition
from zenith.content.header_values import media_type as checked_type

SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


def download_headers(name: str, media_type: str) -> dict[str, str]:
    """Headers of an answer that is a file of somebody else's.

    Threat: a file that the browser opens as a page of this origin (ASVS 3.2.1, 5.4.1, 5.4.2). It is
    saved and not shown, taken for nothing else than `media_type`, and where it is shown all the
    same it has no origin, no scripts and nothing to load. Another site cannot embed it.

    Raises ContentError for a `media_type` that is none.
    """
    return {
        "Content-Type": checked_type(media_type),
        "Content-Disposition": content_disposition(name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": SANDBOX,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }
