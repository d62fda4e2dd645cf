"""What headers say of a request, however often they come."""

from __future__ import annotations

from typing import NamedTuple

from zenith.transport.form import FormKind


class Facts(NamedTuple):
    """Concluded from the headers alone, so that it is remembered for requests with the same."""

    version: str
    host: str
    length: int
    has_body: bool
    json_depth: int
    form: FormKind | None
