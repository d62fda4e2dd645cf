"""What can go wrong with passwords and their hashes."""

from __future__ import annotations

from typing import ClassVar

from zenith.kernel.errors import ValidationError, ZenithError


class PasswordRefusedError(ValidationError):
    """A password that cannot be hashed at all: empty, longer than the limit, or no valid text."""

    code: ClassVar[str] = "password_refused"


class UnusableHashError(ZenithError):
    """A stored hash is damaged, of an unknown kind, too costly, or needs a pepper that is gone.

    It is a fault of the store or of the settings, never a wrong password, and must not be treated
    as one: an account behind it can neither sign in nor be told why. The message names the kind
    of hash, never the hash.
    """
