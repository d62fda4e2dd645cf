"""Events as syslog messages (RFC 5424), framed by octet counting (RFC 6587, RFC 5425)."""

from __future__ import annotations

import os
import re
import socket
from datetime import UTC, datetime
from typing import Final

from zenith.audit.json_lines import line_of
from zenith.kernel.events import Event, Severity

SEVERITIES: Final[dict[Severity, int]] = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6}
FACILITY: Final = 13
"""Log audit (RFC 5424 section 6.2.1)."""
MAX_HOST: Final = 255
MAX_APP: Final = 48
SD_ID: Final = "zenith@32473"
"""Name of our structured data; the number is the one kept for examples (RFC 5612), for none is
registered."""
_NAMED: Final = (
    "outcome",
    "subject",
    "target",
    "session_id",
    "scheme",
    "address",
    "request_id",
    "trace_id",
    "event_id",
    "reason",
)
_NOT_NAME: Final = re.compile(r"[^!-~]")
_ESCAPED: Final = re.compile(r'([\\"\]])')
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class SyslogFormat:
    """Writes messages.

    Threat: log injection (ASVS 16.4.1). A value cannot end its quotes, its message or its frame:
    quotes, backslashes and brackets are escaped, control characters never come through, the length
    stands before the message, and the message itself is one line of JSON in ASCII.
    """

    def __init__(
        self, *, app_name: str = "zenith", facility: int = FACILITY, host: str = ""
    ) -> None:
        self._facility: Final = facility
        # APP-NAME, PROCID: who speaks, as the header wants it.
        self._host: Final = _name(host or socket.gethostname(), MAX_HOST)
        self._app: Final = _name(app_name, MAX_APP)

    def message(self, event: Event) -> bytes:
        """One message, without a frame."""
        priority = 8 * self._facility + SEVERITIES[event.severity]
        header = (
            f"<{priority}>1 {_time(event.at)} {self._host} {self._app} {os.getpid()} {event.type} "
        )
        return (header + _structured(event) + " ").encode() + line_of(event).rstrip()

    def frame(self, event: Event) -> bytes:
        """One message with its length before it, for streams."""
        message = self.message(event)
        return b"%d " % len(message) + message


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    except (ValueError, OverflowError, OSError):
        return "-"


def _structured(event: Event) -> str:
    values = {name: getattr(event, name) for name in _NAMED}
    pairs = "".join(f' {name}="{_quoted(value)}"' for name, value in values.items() if value)
    return f"[{SD_ID}{pairs}]"


def _quoted(value: str) -> str:
    plain = _CONTROLS.sub("?", value).encode("utf-8", "replace").decode()
    return _ESCAPED.sub(r"\\\1", plain)


def _name(text: str, length: int) -> str:
    return _NOT_NAME.sub("", text)[:length] or "-"
