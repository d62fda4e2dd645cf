"""Whether the address of an account must be confirmed before its password opens it."""

from __future__ import annotations

from typing import Final, Protocol

from zenith.accounts.store import Account

UNCONFIRMED: Final = "E-mail or password is wrong, or the e-mail address is not confirmed yet"
"""Said of every refusal where addresses must be confirmed: who does not know which of the three it
is learns of no account."""


class Confirmation(Protocol):
    """Who knows whether an address must be confirmed before its account opens."""

    @property
    def required(self) -> bool: ...

    def is_due(self, account: Account) -> bool:
        """Whether the account does not open yet, with the right password."""
        ...

    async def remind(self, account: Account) -> None:
        """Mail its owner another link; nobody else can tell whether one was mailed."""
        ...


def refusal_reason(account: Account | None, *, verified: bool) -> str:
    """Why a sign-in was refused, for the audit log; `verified`: the password was right."""
    if account is None or not verified:
        return "no such account" if account is None else "wrong password"
    return "e-mail is not confirmed" if account.is_active else "account is locked"
