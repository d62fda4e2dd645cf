"""API keys."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Final

from zenith.accounts import AccountStore, Client
from zenith.accounts.mail_flows.links import in_words
from zenith.accounts.notices import Notices, seen
from zenith.api_keys import (
    Actor,
    APIKey,
    APIKeys,
    APIKeyScheme,
    LastUses,
)
from zenith.assembly.parts import Parts
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.pipeline import Exchange
from zenith.rate_limits import Hit, Limit, RateLimiter
from zenith.rate_limits.charges import Charges
from zenith.rate_limits.store import InstantRateLimitStore
from zenith.stores.sql import SqlAPIKeyStore

HOUR: Final = 3600
CHANGES: Final = "60/hour"
"""How many keys one caller may make or rotate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class APIKeyParts:
    """What keys need in an application."""

    keys: APIKeys
    scheme: APIKeyScheme
    uses: LastUses


def api_key_parts(parts: Parts) -> APIKeyParts | None:
    """The keys of an application; None where the settings turn them off."""
    settings = parts.settings.api_keys
    if settings is None:
        return None
    if settings.bound_only and parts.proofs is None:
        raise ConfigurationError(
            "api_keys.bound_only is set, and proofs of possession are off",
            fix="set ZENITH_TOKENS__DPOP=optional",
        )
    store = SqlAPIKeyStore(parts.database)
    uses = LastUses(store)
    limits = _KeyLimits(parts.limiter)
    return APIKeyParts(
        keys=APIKeys(
            store,
            parts.revocations,
            parts.events,
            settings,
            pace=limits.admit_change,
            made=_KeyNotices(parts.account_store, parts.notices).made,
            lives=partial(_lives, parts),
            binds=parts.proofs is not None,
            subjects=None if parts.settings.tenants is None else parts.subjects,
        ),
        scheme=APIKeyScheme(
            store,
            parts.subjects,
            parts.revocations,
            settings,
            uses=uses,
            limit=limits,
            possession=parts.proofs,
            # The bearer scheme beside it offers the same.
            challenge=None,
        ),
        uses=uses,
    )


async def _lives(parts: Parts, session_id: str) -> bool:
    return await parts.sessions.get(session_id) is not None


class _KeyNotices:
    """Tells owners of keys that they may not know of."""

    def __init__(self, accounts: AccountStore, notices: Notices) -> None:
        self._accounts: Final = accounts
        self._notices: Final = notices

    async def made(self, actor: Actor, key: APIKey, *, overlap: float | None = None) -> None:
        """A key was made, whoever made it, or replaced one that works on for the `overlap`; keys of
        services have no owner.
        """
        account = None if key.owner_id is None else await self._accounts.by_id(key.owner_id)
        if account is None:
            return
        client = Client(address=actor.address, user_agent=actor.user_agent)
        facts = {"name": key.name, **seen(client, key.created_at)}
        if overlap is None:
            await self._notices.tell(account, "api_key_created", **facts)
        else:
            ends = f"works for {in_words(overlap)} more" if overlap else "has ended"
            await self._notices.tell(account, "api_key_rotated", ends=ends, **facts)


class _KeyLimits:
    """The limits of keys: counted with those of the request, so that its headers tell of them."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter: Final = limiter
        store = limiter.store
        self._instant: Final = store if isinstance(store, InstantRateLimitStore) else None

    async def charge(self, exchange: Exchange, key: APIKey) -> None:
        """One use of a key; raises RateLimitError."""
        if key.rate_limit is None:
            return
        hits = (Hit(_limit(key.rate_limit), key.id),)
        charges = exchange.state.get(Charges)
        if charges is None:
            await self._limiter.admit(hits)
        else:
            await charges.charge(exchange, (), hits)

    def charge_now(self, exchange: Exchange, key: APIKey) -> bool:
        """The same without waiting, where the counters are in this process."""
        if key.rate_limit is None:
            return True
        charges = exchange.state.get(Charges)
        if self._instant is None or charges is None:
            return False
        hit = Hit(_limit(key.rate_limit), key.id)
        usage = self._instant.hit_one(hit)
        if usage.allowed:
            charges.hits, charges.usages = [*charges.hits, hit], [*charges.usages, usage]
        return usage.allowed

    async def admit_change(self, actor: Actor) -> None:
        """One key made or rotated; raises RateLimitError. Whatever an account comes with counts as
        one: each key that a key makes would begin to count anew.
        """
        principal = actor.principal
        own = f"{principal.kind}:{principal.subject}"
        keys = {"principal": own if actor.owner_id is None else f"user:{actor.owner_id}"}
        await self._limiter.require("api-keys", keys=keys, limits=CHANGES)


@lru_cache(maxsize=1024)
def _limit(requests: int) -> Limit:
    return Limit(requests, HOUR, name="api-key")
