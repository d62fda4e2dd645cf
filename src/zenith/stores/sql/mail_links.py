"""One-time links by mail, in SQL."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from zenith.accounts.store import ChangeMails, EmailChange, LinkPurpose, MailLink
from zenith.kernel.errors import ConflictError
from zenith.mail import QueuedMail
from zenith.stores.sql.accounts import ROLES_LOCK, is_last_holder
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.mail_queue import enqueue
from zenith.stores.sql.schema import accounts, mail_links

COLUMNS: Final = tuple(column.name for column in mail_links.c)


class _VoidError(Exception):
    """The link does not do what it was issued for any more: the transaction is rolled back."""


class SqlMailLinkStore:
    """A row for each link. Using one is a transaction that locks its account and then deletes its
    row: whoever deletes it goes on, all others find nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def issue(self, link: MailLink, *, mail: QueuedMail | None = None) -> bool:
        """Remember a link and queue its mail. Raises ConflictError where the account is gone."""
        async with self._database.transaction() as connection:
            await connection.execute(insert(mail_links).values(**_values(link)))
            return mail is None or not await enqueue(connection, (mail,))

    async def check(self, digest: str, *, purpose: LinkPurpose, now: float) -> MailLink | None:
        """The link if it is known and has not expired; changes nothing."""
        row = await self._database.first(select(mail_links).where(_usable(digest, purpose, now)))
        return None if row is None else _link(row)

    async def verify_email(self, digest: str, *, now: float) -> MailLink | None:
        """Spend the link and note that its address is the owner's."""
        async with self._database.transaction() as connection:
            link = await _spend(connection, digest, "verify_email", now)
            if link is None:
                return None
            await _end_links(connection, link.account_id, "verify_email")
            changed = await connection.execute(
                update(accounts)
                .where(accounts.c.id == link.account_id, accounts.c.email_key == link.email_key)
                .values(email_verified_at=now)
            )
            return link if changed.rowcount else None

    async def reset_password(
        self, digest: str, password_hash: str, *, now: float
    ) -> MailLink | None:
        """Spend the link and replace the password."""
        try:
            async with self._database.transaction() as connection:
                link = await _spend(connection, digest, "reset_password", now)
                if link is None:
                    return None
                changed = await connection.execute(
                    update(accounts)
                    .where(_as_issued(link), accounts.c.email_key == link.email_key)
                    .values(
                        password_hash=password_hash,
                        password_changed_at=now,
                        email_verified_at=func.coalesce(accounts.c.email_verified_at, now),
                    )
                )
                _require(changed.rowcount)
                await _end_links(
                    connection, link.account_id, "verify_email", "reset_password", "change_email"
                )
                return link
        except _VoidError:
            return None

    async def change_email(
        self, digest: str, *, revert: str, now: float, until: float, mails: ChangeMails
    ) -> EmailChange | None:
        """Spend the link, replace the address, issue the link that brings it back, and queue the
        mails that tell of it.
        """
        try:
            async with self._database.transaction() as connection:
                link = await _spend(connection, digest, "change_email", now)
                if link is None:
                    return None
                former = await _former(connection, link)
                await _set_email(connection, link, now)
                await _end_links(
                    connection, link.account_id, "verify_email", "reset_password", "change_email"
                )
                back = MailLink(
                    digest=revert,
                    purpose="revert_email",
                    account_id=link.account_id,
                    email=former.email,
                    email_key=former.email_key,
                    password_changed_at=None,
                    created_at=now,
                    expires_at=until,
                )
                await connection.execute(insert(mail_links).values(**_values(back)))
                change = EmailChange(
                    account_id=link.account_id, former=former.email, present=link.email
                )
                await enqueue(connection, mails(change))
                return change
        except (_VoidError, ConflictError):
            # A conflict: the address is another account's by now. The database has decided.
            return None

    async def revert_email(
        self, digest: str, *, now: float, keep_one: str | None
    ) -> MailLink | None:
        """Spend the link, bring its address back and remove the password."""
        try:
            async with self._database.transaction() as connection:
                await self._database.lock(connection, ROLES_LOCK)
                link = await _spend(connection, digest, "revert_email", now)
                if link is None:
                    return None
                await _give_way(connection, link, keep_one)
                await connection.execute(
                    delete(mail_links).where(
                        mail_links.c.account_id == link.account_id,
                        mail_links.c.created_at >= link.created_at,
                    )
                )
                await _set_email(connection, link, now)
                await connection.execute(
                    update(accounts)
                    .where(accounts.c.id == link.account_id)
                    .values(password_hash=None, password_changed_at=now)
                )
                return link
        except (_VoidError, ConflictError):
            return None

    async def prune(self, *, now: float) -> int:
        """Remove expired links; how many there were."""
        return await self._database.count(delete(mail_links).where(mail_links.c.expires_at <= now))


async def _spend(
    connection: StoreConnection, digest: str, purpose: LinkPurpose, now: float
) -> MailLink | None:
    usable = _usable(digest, purpose, now)
    owner = select(mail_links.c.account_id).where(usable).scalar_subquery()
    # The account before any of its links: two that were used at once would end each other, and
    # each transaction would wait for the other.
    await connection.execute(select(accounts.c.id).where(accounts.c.id == owner).with_for_update())
    spent = delete(mail_links).where(usable).returning(mail_links)
    row = (await connection.execute(spent)).first()
    return None if row is None else _link(row)


async def _give_way(connection: StoreConnection, link: MailLink, keep_one: str | None) -> None:
    """Remove who took the address meanwhile and has not read mail there."""
    squats = select(accounts.c.id).where(
        accounts.c.email_key == link.email_key,
        accounts.c.id != link.account_id,
        accounts.c.email_verified_at.is_(None),
        accounts.c.created_at >= link.created_at,
    )
    for squatter in (await connection.execute(squats.with_for_update())).scalars().all():
        if keep_one is not None and await is_last_holder(connection, squatter, keep_one):
            raise _VoidError
        await connection.execute(delete(accounts).where(accounts.c.id == squatter))


async def _end_links(connection: StoreConnection, account_id: str, *purposes: LinkPurpose) -> None:
    await connection.execute(
        delete(mail_links).where(
            mail_links.c.account_id == account_id, mail_links.c.purpose.in_(purposes)
        )
    )


async def _former(connection: StoreConnection, link: MailLink) -> Row[*tuple[Any, ...]]:
    """The address as it is, with its row locked; void unless the account is as it was."""
    found = await connection.execute(
        select(accounts.c.email, accounts.c.email_key).where(_as_issued(link)).with_for_update()
    )
    row = found.first()
    if row is None:
        raise _VoidError
    return row


async def _set_email(connection: StoreConnection, link: MailLink, now: float) -> None:
    changed = await connection.execute(
        update(accounts)
        .where(accounts.c.id == link.account_id)
        .values(email=link.email, email_key=link.email_key, email_verified_at=now)
    )
    _require(changed.rowcount)


def _require(rows: int) -> None:
    if not rows:
        raise _VoidError


def _as_issued(link: MailLink) -> ColumnElement[bool]:
    """The account is open, and its password the one of when the link was issued."""
    return and_(
        accounts.c.id == link.account_id,
        accounts.c.locked_at.is_(None),
        accounts.c.password_changed_at.is_not_distinct_from(link.password_changed_at),
    )


def _usable(digest: str, purpose: LinkPurpose, now: float) -> ColumnElement[bool]:
    return and_(
        mail_links.c.digest == digest,
        mail_links.c.purpose == purpose,
        mail_links.c.expires_at > now,
    )


def _values(link: MailLink) -> dict[str, Any]:
    return {name: getattr(link, name) for name in COLUMNS}


def _link(row: Row[*tuple[Any, ...]]) -> MailLink:
    return MailLink(**{name: getattr(row, name) for name in COLUMNS})
