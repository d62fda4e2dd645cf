"""What drivers raise, turned once into the errors that Zenith knows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from zenith.kernel.errors import BadRequestError, ConflictError, ServiceUnavailableError

RETRY_AFTER: Final = 2.0
"""Seconds after which a client is asked to come back."""
DATA_EXCEPTION: Final = "22"
"""Class of the SQLSTATEs for values that cannot be stored (a NUL in text, for one)."""


@contextmanager
def errors_wrapped() -> Generator[None]:
    """Refuse with 503 where the database cannot be asked, with 409 where a unique value is taken,
    with 400 for text that it cannot hold. The driver's message, which may quote values, stays in
    the cause; only its kind goes to the audit log.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise ConflictError(reason=_kind(error)) from error
    except exc.DBAPIError as error:
        if _is_bad_value(error):
            raise BadRequestError(reason=_kind(error)) from error
        raise _unavailable(error) from error
    except exc.PendingRollbackError as error:
        # The connection was lost or given up in this transaction, and somebody goes on with it.
        raise _unavailable(error) from error
    except UnicodeEncodeError as error:
        raise BadRequestError(reason="text that is not Unicode") from error
    except (exc.TimeoutError, TimeoutError, OSError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> ServiceUnavailableError:
    return ServiceUnavailableError(retry_after=RETRY_AFTER, reason=f"database: {_kind(error)}")


def _kind(error: Exception) -> str:
    driver = getattr(error, "orig", None) or error
    state = getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", None)
    return f"{type(driver).__name__} {state}" if state else type(driver).__name__


def _is_bad_value(error: exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str) and state.startswith(DATA_EXCEPTION):
        return True
    # A value that the driver itself could not encode; before there is a statement, the driver says
    # the same of settings.
    cause = error.orig.__cause__ if error.orig is not None else None
    return error.statement is not None and isinstance(cause, ValueError)
