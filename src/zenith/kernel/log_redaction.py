"""Logs without secrets: a filter for `logging`, a processor for structlog.

Threat: tokens, passwords, cookies and cards in logs, by a message, an argument, an extra or the
text of an exception (ASVS 16.2.5); records that a client forges by line ends and terminal codes
(ASVS 16.4.1). Both never raise and never drop a record: what cannot be made safe is replaced.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from zenith.kernel.redaction import MAX_NAME, MAX_TEXT, PLAIN, REDACTED, Redactor
from zenith.kernel.sensitive import sensitive_fields, shown_fields
from zenith.kernel.tracebacks import redacted_traceback, shown

Raised: TypeAlias = "tuple[BaseException, TracebackType | None]"
MAX_ITEMS: Final = 64
MAX_DEPTH: Final = 6
MAX_VALUES: Final = 1000
FAILED: Final = "a record that could not be made safe"
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    *("message", "asctime", "taskName"),
}
_KEPT: Final = (bool, int, float, complex, type(None))
_HARMLESS: Final = (
    *(date, time, timedelta, Decimal, IPv4Address, IPv6Address, UUID),
    *(logging.LogRecord, logging.Logger),  # structlog hands them on to its formatter
)
_SHOW_ALL: Final = frozenset({"builtins", "pydantic", "sqlmodel"})
"""Packages whose `__str__` shows every field."""
_FAULT: Final = frozenset({"type", "loc", "msg", "input"})
"""What Pydantic and FastAPI say of a field that does not hold: its value is in `input`."""
_IN_QUERIES: Final = frozenset(
    {"code", "state", "key", "sig", "signature", "auth", "ticket", "sid"}
)
"""Names that are secret in the query of a URL only."""
_CONTAINERS: Final = (Mapping, list, tuple, AbstractSet)
_ACCESS_LOG: Final = "uvicorn.access"
"""Its formatter takes the arguments of a record apart, so these stay as many as they are."""
_STYLED: Final = "color_message"
"""An extra of uvicorn's: the message again, with terminal codes."""


class RedactionFilter(logging.Filter):
    """Makes each record safe, in place. Add it to handlers, not to loggers: a logger's filter does
    not see the records of the loggers below it. `protect_logs` does that.

    `redactor` may know further names (`Redactor(sensitive_names([User, Order]))`). `is_lasting` is
    False where somebody will take it off again.
    """

    def __init__(self, redactor: Redactor = PLAIN, *, is_lasting: bool = True) -> None:
        super().__init__()
        self._redactor: Final = redactor
        self.is_lasting: Final = is_lasting

    @property
    def redactor(self) -> Redactor:
        """What knows the names."""
        return self._redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: nothing is dropped."""
        try:
            self._message(record)
            if record.exc_info or record.exc_text or record.stack_info:
                self._exception(record)
            fields = record.__dict__
            if not _STANDARD.issuperset(fields):
                self._extras(fields)
        except Exception as error:  # noqa: BLE001  # logging must not fail, nor say what it failed on
            self._give_up(record, error)
        return True

    def _message(self, record: logging.LogRecord) -> None:
        message, arguments = record.msg, record.args
        if not arguments:
            if isinstance(message, str):
                record.msg = self._redactor.text(_plain(message))
            elif isinstance(message, Mapping):  # structlog's events on their way to a formatter
                record.msg = cast("Any", _safe_event(cast("Any", message), self._redactor))
            else:
                record.msg = self._redactor.text(shown(Values(self._redactor).value(message)))
            return
        if record.name == _ACCESS_LOG and isinstance(arguments, tuple):
            record.args = tuple(Values(self._redactor).value(each) for each in arguments)
            return
        written, fits = self._written(message, arguments)
        safe = self._redactor.text(written)
        if fits and safe == written:
            # Numbers and text say the same each time; other objects may have more to say.
            kinds = arguments if isinstance(arguments, tuple) else (arguments,)
            if all(type(each) in _PLAIN_KINDS for each in kinds):
                return
        record.msg, record.args = safe, None

    def _written(self, message: object, arguments: Any) -> tuple[str, bool]:
        """The message with its arguments, and whether they fit."""
        given: Any = arguments
        values = Values(self._redactor)
        untyped: Any = arguments
        parts: tuple[Any, ...] = untyped if type(arguments) is tuple else ()
        if isinstance(arguments, Mapping):
            given = values.mapping(cast("Any", arguments))
        elif any(type(each) not in _PLAIN_KINDS for each in parts):
            given = tuple(values.argument(each) for each in parts)
        try:
            return str(message) % given, True
        except Exception:  # noqa: BLE001  # they do not fit, or cannot be shown: whatever that raises
            return self._unwritten(shown(message), parts or (given,)), False

    def _unwritten(self, message: str, arguments: tuple[Any, ...]) -> str:
        """A message whose arguments do not fit, and these, unless one may be a secret of it."""
        if len(message) > MAX_NAME or self._redactor.is_secret(message):
            return f"{message} ({REDACTED})"
        return f"{message} ({', '.join(map(shown, arguments))})"

    def _exception(self, record: logging.LogRecord) -> None:
        found = _raised(record.exc_info)
        if found is not None:
            record.exc_text = redacted_traceback(found[0], self._redactor, found[1])
        elif record.exc_text:
            record.exc_text = _by_line(record.exc_text, self._redactor)
        # Handlers that would write it out by themselves find nothing to write.
        record.exc_info = None
        if record.stack_info:
            record.stack_info = _by_line(record.stack_info, self._redactor)

    def _extras(self, fields: dict[str, Any]) -> None:
        fields.pop(_STYLED, None)
        values = Values(self._redactor)
        for name in [name for name in fields if name not in _STANDARD]:
            fields[name] = values.named(name, fields[name])

    @staticmethod
    def _give_up(record: logging.LogRecord, error: Exception) -> None:
        record.msg, record.args = f"{FAILED} ({type(error).__name__})", None
        record.exc_info = record.exc_text = record.stack_info = None
        for name in [name for name in record.__dict__ if name not in _STANDARD]:
            record.__dict__[name] = REDACTED


class RedactionProcessor:
    """The same for structlog: put it last before the renderer, after what formats exceptions, or
    before: it writes out `exc_info` itself, as `exception`.
    """

    def __init__(self, redactor: Redactor = PLAIN) -> None:
        self._redactor: Final = redactor

    def __call__(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """The event as it may be logged."""
        del logger
        try:
            return _safe_event(event, self._redactor)
        except Exception as error:  # noqa: BLE001  # as in the filter
            return {"event": f"{FAILED} ({type(error).__name__})", "level": method}


def _safe_event(event: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    values = Values(redactor)
    safe: dict[str, Any] = {}
    for name, value in event.items():
        if name in {"_record", "_from_structlog"}:  # structlog's own
            safe[name] = value
        elif name == "exc_info":
            found = _raised(value)
            if found is not None:
                safe["exception"] = redacted_traceback(found[0], redactor, found[1])
        elif name in {"exception", "stack"} and isinstance(value, str):
            safe[name] = _by_line(value, redactor)
        else:
            safe[redactor.text(shown(name), MAX_NAME)] = values.named(name, value)
    return safe


def protect_logs(*loggers: logging.Logger, redactor: Redactor = PLAIN) -> RedactionFilter:
    """Put one filter on every handler that `loggers` have now; on the root logger's if none are
    named. Call it once logging is configured, and again after a change of handlers. Raises
    ValueError if there is no handler to protect.
    """
    found = RedactionFilter(redactor)
    handlers = [handler for each in loggers or (logging.getLogger(),) for handler in each.handlers]
    if not handlers:
        raise ValueError("no handler to protect: configure logging first")
    add_filter(found, handlers)
    return found


def add_filter(
    found: RedactionFilter, handlers: Iterable[logging.Handler]
) -> list[logging.Handler]:
    """Put `found` on those of `handlers` that have none which knows all its names and stays."""
    names = found.redactor.names
    added: list[logging.Handler] = []
    for handler in handlers:
        filters = (each for each in handler.filters if isinstance(each, RedactionFilter))
        if not any(each.is_lasting and names <= each.redactor.names for each in filters):
            # First: filters that come later see the safe record.
            handler.filters.insert(0, found)
            added.append(handler)
    return added


def every_handler() -> list[logging.Handler]:
    """The handlers of all loggers of the program, each once, and what stands in where there are
    none.
    """
    known = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    found = [each for logger in known for each in getattr(logger, "handlers", ())]
    if logging.lastResort is not None:
        found.append(logging.lastResort)
    return list(dict.fromkeys(found))


def _fields(value: object) -> dict[str, object] | None:
    """What a model or dataclass is told by. None for others, and for what says itself how it is
    shown and has nothing sensitive: that is a text like any other.
    """
    kind = type(value)
    if callable(getattr(kind, "_asdict", None)):  # a named tuple, or a row of a database
        return cast("dict[str, object]", cast("Any", value)._asdict())
    origin = next(each for each in kind.__mro__ if "__str__" in vars(each)).__module__
    if origin.partition(".")[0] not in _SHOW_ALL and not sensitive_fields(kind):
        return None
    return shown_fields(value)


class Values:
    """Makes nested values safe: by name, by what they say, bounded in depth and number."""

    __slots__ = ("_left", "_redactor")

    def __init__(self, redactor: Redactor) -> None:
        self._redactor: Final = redactor
        self._left = MAX_VALUES

    def argument(self, value: object) -> object:
        """An argument of a message, which `%d` and `%r` may still want as what it is."""
        if isinstance(value, bytes | bytearray):
            return value[:MAX_TEXT]
        given: Any = value
        if _fields(given) is None and not isinstance(given, _CONTAINERS):
            return value
        return self.value(value)

    def named(self, name: object, value: object) -> object:
        """A value that bears a name."""
        if isinstance(name, str) and self._redactor.is_secret(name):
            return REDACTED
        return self.value(value)

    def mapping(self, values: Mapping[Any, Any], depth: int = MAX_DEPTH) -> dict[Any, Any]:
        """Each value under its name."""
        kept: dict[Any, Any] = {}
        is_fault = _FAULT.issubset(values)
        is_query = hasattr(values, "multi_items")  # of Starlette, and forms
        for number, (name, value) in enumerate(values.items()):
            if number == MAX_ITEMS:
                kept["..."] = f"{len(values) - MAX_ITEMS} more"
                break
            secret = isinstance(name, str) and self._redactor.is_secret(name)
            secret = secret or (is_fault and name == "input") or (is_query and name in _IN_QUERIES)
            kept[self._name(name)] = REDACTED if secret else self.value(value, depth - 1)
        return kept

    def value(self, value: object, depth: int = MAX_DEPTH) -> object:
        """Any value: numbers stay what they are, text is made safe, other objects become text."""
        if isinstance(value, str):
            return self._redactor.text(_plain(value))
        if type(value) in _KEPT:
            return self._number(value)
        if isinstance(value, _HARMLESS):
            return value
        if isinstance(value, bytes | bytearray):
            return self._redactor.text(value[:MAX_TEXT].decode("utf-8", "backslashreplace"))
        self._left -= 1
        given: Any = _fields(value) or value
        if not isinstance(given, _CONTAINERS):
            return self._redactor.text(shown(value))
        if depth <= 0 or self._left <= 0:
            return f"<{type(value).__name__}>"
        if isinstance(given, Mapping):
            return self.mapping(cast("Any", given), depth)
        return self._items(given, depth)

    def _number(self, value: object) -> object:
        """A card number is a number too; one of thousands of digits is none for a log."""
        if type(value) is not int or abs(value) < SHORTEST_CARD:
            return value
        if abs(value) >= LONGEST_NUMBER:
            return f"<int of {value.bit_length()} bits>"
        return value if self._redactor.text(str(value)) == str(value) else REDACTED

    def _items(self, values: Any, depth: int) -> object:
        pairs = zip(range(MAX_ITEMS), values, strict=False)
        kept = [self._item(each, depth - 1) for _, each in pairs]
        if len(values) > MAX_ITEMS:
            kept.append(f"{len(values) - MAX_ITEMS} more")
        return tuple(kept) if isinstance(values, tuple) else kept

    def _item(self, value: object, depth: int) -> object:
        """A pair of a name and a value, as headers come, is both."""
        pair: Any = value
        if type(value) is tuple and len(pair) == PAIR:
            name, inner = pair
            text = name.decode("latin-1") if isinstance(name, bytes) else name
            if isinstance(text, str) and self._redactor.is_secret(text):
                return (self.value(name, depth), REDACTED)
            return (self.value(name, depth), self.value(inner, depth))
        return self.value(pair, depth)

    def _name(self, name: object) -> object:
        if isinstance(name, str):
            return self._redactor.text(name, MAX_NAME)
        return name if type(name) in _KEPT else self._redactor.text(shown(name), MAX_NAME)


def _plain(text: str) -> str:
    """What a kind of string holds, whatever it says of itself later."""
    return text if type(text) is str else str.__str__(text)


PAIR: Final = 2
SHORTEST_CARD: Final = 10**12
LONGEST_NUMBER: Final = 10**40
_PLAIN_KINDS: Final = frozenset({str, int, float, bool, type(None)})


def _raised(given: Any) -> Raised | None:
    """What `exc_info` means: an exception, the usual three, or True for the one at hand."""
    parts: Any = given
    if isinstance(given, BaseException):
        return given, given.__traceback__
    if isinstance(given, tuple):
        if len(parts) != THREE or not isinstance(parts[1], BaseException):
            return None
        return parts[1], parts[2] if isinstance(parts[2], TracebackType) else None
    return _raised(sys.exc_info()) if given else None


THREE: Final = 3


def _by_line(text: str, redactor: Redactor) -> str:
    """Text of several lines that is taken for the framework's own: stacks, formatted exceptions."""
    text = redactor.without_secrets(text[: 4 * MAX_TEXT])
    return "\n".join(redactor.text(line) for line in text.split("\n"))
