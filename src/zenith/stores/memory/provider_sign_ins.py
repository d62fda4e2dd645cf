"""Sign-ins by way of providers, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.oauth.store import ProviderSignIn


class MemoryProviderSignInStore:
    """Sign-ins that are forgotten with the process: for tests and for trying out. Beyond
    `max_entries` the oldest is forgotten.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._found: Final[dict[str, ProviderSignIn]] = {}

    async def remember(self, sign_in: ProviderSignIn) -> None:
        """Keep one."""
        while len(self._found) >= self._max:
            del self._found[next(iter(self._found))]
        self._found[sign_in.id] = sign_in

    async def find(self, account_id: str, proven_at: float) -> ProviderSignIn | None:
        """The one of the account by which something was proven at this time, the latest first."""
        fitting = [
            each
            for each in self._found.values()
            if (each.account_id, each.proven_at) == (account_id, proven_at)
        ]
        return max(fitting, key=lambda each: each.expires_at, default=None)

    async def matching(
        self, issuer: str, *, subject: str, provider_session: str
    ) -> Sequence[ProviderSignIn]:
        """Those of the issuer with this subject and this session; an empty one matches any."""
        fitting = [
            each
            for each in self._found.values()
            if each.issuer == issuer
            and subject in ("", each.subject)
            and provider_session in ("", each.provider_session)
        ]
        return sorted(fitting, key=lambda each: each.id)

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove these."""
        for each in ids:
            self._found.pop(each, None)

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        old = [key for key, each in self._found.items() if each.expires_at <= now]
        for key in old:
            del self._found[key]
        return len(old)
