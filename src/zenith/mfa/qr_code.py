"""QR codes as SVG elements, part of the page: no policy need allow images for them."""

from __future__ import annotations

from io import BytesIO
from typing import Final

QUIET_ZONE: Final = 4


def qr_svg(text: str, *, title: str) -> str:
    """An `<svg>` element that shows `text`; dark on light in every colour scheme, since many
    cameras read nothing else. It carries no style and no script.
    """
    import segno  # noqa: PLC0415  only who adds an authenticator app waits for it

    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        border=QUIET_ZONE,
        xmldecl=False,
        svgns=True,
        omitsize=True,
        dark="#000",
        light="#fff",
        title=title,
        svgclass="qr",
        lineclass=None,
        nl=False,
    )
    return out.getvalue().decode()
