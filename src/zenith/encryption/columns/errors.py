"""What can go wrong with encrypted columns."""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin

from zenith.kernel.errors import BadRequestError


class EncryptedColumnError(DontWrapMixin, ValueError):
    """A value, or a comparison, that an encrypted column cannot take; the value is not shown.

    SQLAlchemy leaves it as it is: its own error would show all parameters of the statement, which
    are not yet encrypted at that moment (ASVS 16.2.5).
    """


class UnfitColumnValueError(BadRequestError, EncryptedColumnError):
    """A value of the column's own kind that it cannot take, such as a text without a digit where
    the index is one of digits: most likely a client's, and answered with 400. The client is not
    told the column.
    """

    def __init__(self, problem: str, *, column: str) -> None:
        told = f"the value of {column} {problem}"
        super().__init__(f"A value {problem}", reason=told)
        self.args = (told,)
