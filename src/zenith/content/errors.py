"""Refusals of content: text, addresses, files."""

from __future__ import annotations

from typing import Final, LiteralString

from zenith.kernel.errors import SecurityError, ValidationError


class ContentError(ValidationError, ValueError):
    """Text cannot be taken as it is. `fault` is a stable word for the cause.

    Also a ValueError, so that Pydantic and callers without a web take it for one. What was sent is
    not repeated.
    """

    code, title = "content_refused", "Content refused"

    def __init__(self, detail: str, *, fault: LiteralString) -> None:
        self.fault: Final = fault
        super().__init__(detail, reason=f"content: {fault}")


class UnsafeUrlError(ContentError):
    """An address that is none, or that leads browsers elsewhere than people think."""

    code, title = "unsafe_url", "Address refused"


class UploadTypeError(SecurityError):
    """The file is of a type that is not taken here, by its content or by its name (ASVS 5.2.2)."""

    code, status, title = "upload_type", 415, "Files of this type are not taken"


class UploadRefusedError(SecurityError):
    """The file is broken, two things at once, or unpacks to more than allowed (ASVS 5.2.3)."""

    code, status, title = "upload_refused", 422, "File refused"
