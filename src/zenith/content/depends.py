"""What handlers ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import File, UploadFile

from zenith.content.settings import UploadSettings
from zenith.content.uploads import CheckedFile, check_file, read_limited


def uploaded(
    settings: UploadSettings, *, field: str = "file"
) -> Callable[..., Awaitable[CheckedFile]]:
    """The file in the form's `field`, examined: `Annotated[CheckedFile, Depends(uploaded(...))]`.

    It is read up to the limit and examined in a thread. Raises PayloadTooLargeError,
    UploadTypeError and UploadRefusedError as `check_file` does.
    """

    async def read(file: UploadFile = File(alias=field)) -> CheckedFile:
        data = await read_limited(file.read, limit=settings.max_size)
        return await asyncio.to_thread(check_file, data, file.filename or "", settings)

    return read
