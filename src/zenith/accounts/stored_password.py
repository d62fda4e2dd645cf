"""A password against what is stored of an account's."""

from __future__ import annotations

import logging
from typing import Final

from zenith.accounts.store import Account
from zenith.passwords import PasswordHasher, UnusableHashError, Verification

_log: Final = logging.getLogger("zenith.accounts")


async def verified(hasher: PasswordHasher, password: str, account: Account | None) -> bool:
    """Whether it is the account's password; see `verified_and_renewed`."""
    stored = None if account is None else account.password_hash
    try:
        return (await hasher.verify(password, stored)).ok
    except UnusableHashError as error:
        return (await _unusable(hasher, password, account, error)).ok


async def verified_and_renewed(
    hasher: PasswordHasher, password: str, account: Account | None
) -> tuple[Verification, str | None]:
    """The verification, and where the hash is of old the new one to store in its place.

    Threat: a hash that nothing here can verify (of an unknown kind, damaged, or under a pepper that
    is gone) and an answer of its own for it, which tells that there is such an account (ASVS
    6.3.8). It takes the time of a wrong password and is one; the operator's log names the account.
    Raises ServiceUnavailableError.
    """
    stored = None if account is None else account.password_hash
    try:
        return await hasher.verify_and_update(password, stored)
    except UnusableHashError as error:
        return await _unusable(hasher, password, account, error), None


async def _unusable(
    hasher: PasswordHasher, password: str, account: Account | None, error: UnusableHashError
) -> Verification:
    name = "" if account is None else account.id
    _log.error("nobody can sign in with the password of account %s: %s", name, error)
    return await hasher.dummy_verify(password)
