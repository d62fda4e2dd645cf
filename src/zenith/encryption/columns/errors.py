"""What can go wrong with encrypted columns."""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin


class EncryptedColumnError(DontWrapMixin, ValueError):
    """A value, or a comparison, that an encrypted column cannot take; the value is not shown.

    SQLAlchemy leaves it as it is: its own error would show all parameters of the statement, which
    are not yet encrypted at that moment (ASVS 16.2.5).
    """
