"""What another server answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from zenith.kernel.records import dataclass
from zenith.outbound.errors import MalformedAnswerError

_SUCCESS: Final = range(200, 300)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundAnswer:
    """An answer that was read to its end and is within the limits. Its repr holds nothing of the
    other server's but the status.
    """

    status: int
    """The status code. Whatever it is, it is an answer and no error."""

    headers: Mapping[str, str] = field(repr=False)
    """By names in any case; several of one name are joined by commas. Nothing of it is kept for the
    next call, cookies included."""

    content: bytes = field(repr=False)
    """The body, unpacked."""

    url: str = field(repr=False)
    """What was asked last, after the redirects that were followed."""

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return self.status in _SUCCESS

    @property
    def text(self) -> str:
        """The body as UTF-8, what is none replaced. The answer's own choice of an encoding is not
        followed: there are ones in which harmless bytes become markup.
        """
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON (RFC 8259); raises MalformedAnswerError for what is none, or is nested
        beyond reason.
        """
        try:
            return json.loads(self.content.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise MalformedAnswerError(reason="the answer is no JSON") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
