"""What ends with an account's credentials, and what a copy of an account holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zenith.accounts import Client, password_state
from zenith.accounts.cleanup import AccountCleanup
from zenith.accounts.own_account import Section
from zenith.api_keys import APIKey, APIKeys
from zenith.assembly.parts import Parts
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import EventType
from zenith.kernel.one_step import one_step
from zenith.stores.sql import (
    SqlAPIKeyStore,
    SqlFactorStore,
    SqlIdentityStore,
    SqlPasskeyStore,
    SqlTrustedDeviceStore,
)


def key_cleanups(parts: Parts) -> tuple[AccountCleanup, ...]:
    """For every flow that ends all sign-ins of an account because of a thief, or for good."""
    return (Cleanups(parts).end_keys,)


def takeover_cleanups(parts: Parts) -> tuple[AccountCleanup, ...]:
    """For the flow that gives an account back to its owner."""
    cleanups = Cleanups(parts)
    return (cleanups.end_keys, cleanups.remove_factors, cleanups.unlink)


def first_cleanups(parts: Parts) -> tuple[AccountCleanup, ...]:
    """For the first proof that somebody reads mail at an account's address."""
    cleanups = Cleanups(parts)
    return (cleanups.demote_passkeys, cleanups.unlink)


def export_sections(parts: Parts) -> Mapping[str, Section]:
    """What the copy holds of other capabilities: no secret, digest or public key."""
    copies = Copies(parts)
    return {
        "role_assignments": copies.role_assignments,
        "api_keys": copies.api_keys,
        "identities": copies.identities,
        "factors": copies.factors,
        "trusted_devices": copies.trusted_devices,
    }


class Cleanups:
    """Ends what a thief may have added, also where the settings have turned it off for now: what
    is left in the database would count again once it is on. Each is a step with its record.
    """

    def __init__(self, parts: Parts) -> None:
        self._events: Final = parts.events
        self._keys: Final = APIKeys(SqlAPIKeyStore(parts.database), parts.revocations, parts.events)
        self._factors: Final = SqlFactorStore(parts.database)
        self._identities: Final = SqlIdentityStore(parts.database, parts.account_store)

    async def end_keys(self, account_id: str, *, since: float, reason: str, client: Client) -> None:
        """End every API key, however old: a thief may have read the owner's."""
        del since
        async with one_step():
            for key_id in await self._keys.revoke_all(account_id):
                await self._record(EventType.API_KEY_REVOKED, key_id, account_id, reason, client)

    async def remove_factors(
        self, account_id: str, *, since: float, reason: str, client: Client
    ) -> None:
        """Remove second factors added `since`, all recovery codes, and all trusted devices;
        passkeys that stay guard the account and do not open it alone.
        """
        kind = EventType.FACTOR_REMOVED
        async with one_step():
            if await self._factors.remove_since(account_id, since):
                await self._record(kind, account_id, account_id, reason, client)

    async def demote_passkeys(
        self, account_id: str, *, since: float, reason: str, client: Client
    ) -> None:
        """Let passkeys guard the account, and open it no more alone."""
        del since
        kind, why = EventType.FACTOR_REMOVED, f"{reason}: passkeys open nothing alone"
        async with one_step():
            if await self._factors.demote_passkeys(account_id):
                await self._record(kind, account_id, account_id, why, client)

    async def unlink(self, account_id: str, *, since: float, reason: str, client: Client) -> None:
        """Unlink every identity, however old: it opens the account by itself, guards nothing, and
        can be linked again.
        """
        del since
        kind = EventType.IDENTITY_UNLINKED
        async with one_step():
            for provider in await self._identities.unlink_since(account_id, 0.0):
                why = f"{provider}: {reason}"
                await self._record(kind, account_id, account_id, why, client)

    async def _record(
        self, kind: EventType, target: str, account_id: str, reason: str, client: Client
    ) -> None:
        event = client.event(
            kind,
            "success",
            at=wall_clock(),
            subject=account_id,
            target=target,
            reason=reason,
            severity="WARNING",
        )
        await self._events.record(event)


class Copies:
    """Reads what is kept about an account."""

    def __init__(self, parts: Parts) -> None:
        self._accounts: Final = parts.account_store
        self._roles: Final = parts.role_store
        self._keys: Final = SqlAPIKeyStore(parts.database)
        self._factors: Final = SqlFactorStore(parts.database)
        self._passkeys: Final = SqlPasskeyStore(parts.database)
        self._devices: Final = SqlTrustedDeviceStore(parts.database)
        self._identities: Final = SqlIdentityStore(parts.database, parts.account_store)

    async def role_assignments(self, account_id: str) -> object:
        """Its roles in one tenant or for a while; who gave them is another's."""
        return [
            {
                "role": each.role,
                "tenant": each.tenant,
                "granted_at": each.granted_at,
                "expires_at": each.expires_at,
            }
            for each in await self._roles.limited(account_id)
        ]

    async def api_keys(self, account_id: str) -> object:
        """The account's keys."""
        return [_key(each) for each in await self._keys.of_owner(account_id)]

    async def identities(self, account_id: str) -> object:
        """Its linked identities."""
        return [
            {
                "id": each.id,
                "provider": each.provider,
                "issuer": each.issuer,
                "subject": each.subject,
                "label": each.label,
                "created_at": each.created_at,
                "last_used_at": each.last_used_at,
            }
            for each in await self._identities.of_account(account_id)
        ]

    async def factors(self, account_id: str) -> object:
        """Its second factors."""
        app = await self._factors.totp_of(account_id)
        return {
            "totp": app and {"created_at": app.created_at, "last_used_at": app.last_used_at},
            "passkeys": [
                {
                    "id": each.id,
                    "name": each.name,
                    "created_at": each.created_at,
                    "last_used_at": each.last_used_at,
                    "backed_up": each.backed_up,
                }
                for each in await self._passkeys.passkeys_of(account_id)
            ],
            "recovery_codes": (await self._factors.counts(account_id)).recovery_codes,
        }

    async def trusted_devices(self, account_id: str) -> object:
        """Devices on which its second factor is not asked for."""
        account = await self._accounts.by_id(account_id)
        if account is None:
            return []
        return [
            {
                "id": each.id,
                "address": each.address,
                "user_agent": each.user_agent,
                "created_at": each.created_at,
                "last_used_at": each.last_used_at,
                "expires_at": each.expires_at,
            }
            for each in await self._devices.trusted_of(
                account_id, password_state=password_state(account), now=wall_clock()
            )
        ]


def _key(key: APIKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "rate_limit": key.rate_limit,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "last_used_address": key.last_used_address,
        "thumbprint": key.thumbprint,
        "tenant": key.tenant,
    }
