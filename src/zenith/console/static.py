"""The pages' own files: versioned by content, so that browsers keep them for good."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from os import PathLike, stat_result
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "assets"
PREFIX: Final = "/assets"
VERSION: Final = "v"
KEEP: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"
FILE_LIMIT: Final = "1000/minute"
"""Per address: files cost nothing, so they do not use up what pages and calls may spend."""


@cache
def asset(name: str) -> str:
    """Address of a file, with a version that changes with its content."""
    digest = sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{PREFIX}/{name}?{VERSION}={digest}"


class Assets(StaticFiles):
    """Serves the files. They hold nothing personal, and say so to caches."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file; an address without a version is asked about again each time."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = VERSION in parse_qs(scope["query_string"].decode("latin-1"))
        response.headers["Cache-Control"] = KEEP if versioned else REVALIDATE
        return response
