"""What can go wrong with encrypted values."""

from __future__ import annotations

from zenith.kernel.errors import ZenithError


class DecryptionError(ZenithError):
    """A value does not open.

    Threat: an oracle. It was changed, cut, belongs to another place, is of an unknown key, or is no
    encrypted value at all: all are this one error with one text, and it is for the caller alone to
    turn into an answer (ASVS 11.2.5). It holds neither the value nor any part of it.
    """

    def __init__(self, message: str = "the value cannot be decrypted") -> None:
        super().__init__(message)


class SubjectErasedError(DecryptionError):
    """The key of this subject was destroyed; what was encrypted under it is gone for good."""

    def __init__(self) -> None:
        super().__init__("the subject was erased")
