"""What goes wrong between models and their database."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import exc
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm.exc import StaleDataError

from zenith.kernel.errors import (
    BadRequestError,
    ConflictError,
    ServiceUnavailableError,
    ValidationError,
    ZenithError,
)

RETRY_AFTER: Final = 2.0
"""Seconds after which a client is asked to come back."""
BAD_VALUE: Final = "22"
"""Class of the SQLSTATEs for values that no column takes, such as a NUL in text."""
AWAY: Final = ("08", "53", "55", "57", "58", "40")
"""Classes of the SQLSTATEs of a server that is gone, full, locked, or gave up on a transaction."""
BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL")


class SessionError(ZenithError, RuntimeError):
    """No session can be used here, or no longer: a mistake in code, answered with 500."""

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(f"{problem}\n  fix: {fix}")


class UnfitValueError(BadRequestError, ValueError):
    """A value of a column's own kind that no row can have there, such as a number out of range:
    most likely a client's. Where nobody catches it as a ValueError it is answered with 400.
    """

    def __init__(self, problem: str, *, column: str = "") -> None:
        super().__init__(f"A value {problem}", reason=f"the value of `{column}` {problem}")
        self.problem = problem
        # Code is told the column, clients are not.
        self.args = (f"`{column}` {problem}" if column else problem,)


def client_error(context: ExceptionContext) -> BaseException | None:
    """What a driver's error means for whoever called: 409 where a unique value is taken, 400 for
    values that no column takes, 503 where the database cannot be asked (ASVS 16.5.2).

    A mistake in a statement stays what it is, and is answered with 500. The driver's message,
    which may quote values, stays in the cause.
    """
    error = context.sqlalchemy_exception
    driver = context.original_exception
    if not isinstance(driver, Exception):
        # A task that is cancelled is told so, whatever becomes of its connection.
        return None
    state = str(getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", ""))
    reason = f"{type(driver).__name__} {state}".strip()
    if isinstance(error, exc.IntegrityError):
        return ConflictError(reason=reason)
    if state.startswith(BAD_VALUE) or isinstance(driver, OverflowError | UnicodeEncodeError):
        return BadRequestError(reason=reason)
    if context.is_disconnect or state.startswith((*AWAY, *BUSY)):
        return ServiceUnavailableError(retry_after=RETRY_AFTER, reason=f"database: {reason}")
    return None


@contextmanager
def errors_translated() -> Generator[None]:
    """The same for what is raised without a driver: rows changed meanwhile, no connection free."""
    try:
        yield
    except StaleDataError as error:
        raise ConflictError(
            "It was changed or deleted meanwhile", reason="the version of a row is another one"
        ) from error
    except (exc.TimeoutError, TimeoutError, OSError) as error:
        reason = f"database: {type(error).__name__}"
        raise ServiceUnavailableError(retry_after=RETRY_AFTER, reason=reason) from error


def invalid(faults: Sequence[Any], *, reason: str = "") -> ValidationError:
    """A refusal that lists what is wrong, in FastAPI's shape, without repeating any value."""
    return ValidationError(faults, reason=reason)


def fault(where: str, name: str, message: str, *, kind: str) -> dict[str, Any]:
    """One entry of that list. `name` is the sender's, so it is cut."""
    return {"type": kind, "loc": [where, name[:100]], "msg": message}
