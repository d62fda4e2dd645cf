"""E-mail addresses: one spelling per mailbox, decided once, before anything is looked up."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email

from zenith.accounts.errors import InvalidEmailError

MAX_LENGTH = 254


def canonical_email(text: str) -> tuple[str, str]:
    """The address as it is shown, and the key under which it is unique.

    Threat: two spellings of one mailbox as two accounts, or one spelling that reaches another's
    account (ASVS 2.2.1, 1.1.1). The key is compatibility-normalised and case-folded; the shown
    form keeps the owner's capitals. Raises InvalidEmailError.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidEmailError("E-mail address is too long")
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise InvalidEmailError("Enter a valid e-mail address, such as name@example.org") from None
    return found.normalized, folded(found.normalized)


def folded(text: str) -> str:
    """Text as keys are written, for looking them up."""
    key = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", key)
