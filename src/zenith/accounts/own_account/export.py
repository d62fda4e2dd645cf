"""A copy of what is kept about an account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from zenith.accounts.client import Client
from zenith.accounts.model import AccountModel
from zenith.accounts.store import Account
from zenith.audit.store import AuditStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.principal import Principal
from zenith.sessions import Sessions, describe_device

Section: TypeAlias = Callable[[str], Awaitable[object]]
"""Takes an account's id and returns what JSON can carry: no secret, and nothing of others."""
PAGE: Final = 200
MAX_EVENTS: Final = 5_000


class Export:
    """Collects what is kept about an account, for its owner.

    Threat: an export that hands out secrets, or what is known of others (ASVS 14.2.6, 8.2.2): no
    hash, digest or token is in it, and of events only what concerns the account, without the name
    of whoever else acted. Each export is recorded. `sections` add what other capabilities and the
    application keep.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        audit: AuditStore | None,
        events: EventSink,
        model: AccountModel,
        sections: Mapping[str, Section] | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._sessions: Final = sessions
        self._audit: Final = audit
        self._events: Final = events
        self._model: Final = model
        self._sections: Final = dict(sections or {})
        self._clock: Final = clock

    async def of(
        self, account: Account, principal: Principal, *, client: Client
    ) -> dict[str, object]:
        """Everything, as JSON carries it. The export is recorded before it is handed out."""
        found: dict[str, object] = {
            "exported_at": self._clock(),
            "account": self._account(account),
            "sessions": await self._signed_in(account.id),
            "events": await self._history(account.id),
        }
        for name, section in self._sections.items():
            found[name] = await section(account.id)
        await self._events.record(
            client.event(
                EventType.DATA_EXPORT,
                "success",
                at=self._clock(),
                subject=account.id,
                target=account.id,
                session_id=principal.session_id,
            )
        )
        return found

    def _account(self, account: Account) -> dict[str, object]:
        return {
            "id": account.id,
            "email": account.email,
            "name": account.name,
            "roles": list(account.roles),
            "permissions": list(account.permissions),
            "created_at": account.created_at,
            "email_verified_at": account.email_verified_at,
            "password_changed_at": account.password_changed_at,
            "last_sign_in_at": account.last_sign_in_at,
            "profile": self._model.dump(account),
        }

    async def _signed_in(self, account_id: str) -> list[dict[str, object]]:
        return [
            {
                "id": record.id,
                "kind": record.kind,
                "device": describe_device(record.user_agent),
                "address": record.address,
                "user_agent": record.user_agent,
                "created_at": record.created_at,
                "last_seen_at": record.last_seen_at,
                "expires_at": record.expires_at,
                "factors": dict(record.factors),
            }
            for record in await self._sessions.list(account_id)
        ]

    async def _history(self, account_id: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        before: int | None = None
        while self._audit is not None and len(found) < MAX_EVENTS:
            page = await self._audit.page(before=before, limit=PAGE, subject=account_id)
            found += [_shown(each.event, account_id) for each in page]
            if len(page) < PAGE:
                break
            before = page[-1].sequence
        return found


def _shown(event: Event, account_id: str) -> dict[str, object]:
    own = event.subject in (account_id, None)
    return {
        "type": event.type.value,
        "outcome": event.outcome,
        "at": event.at,
        "by": "you" if event.subject == account_id else "somebody else" if not own else None,
        # Where an administrator sat is not the owner's business.
        "address": event.address if own else None,
        "user_agent": event.user_agent if own else None,
        "session_id": event.session_id if own else None,
    }
