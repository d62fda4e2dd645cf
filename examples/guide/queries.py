"""Queries: by name and value, in a chosen order, a search, and raw SQL with bound parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from fastapi import APIRouter
from sqlalchemy import text
from sqlmodel import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from zenith import Depends, HTTPException, ZenithModel, get_session, public
from zenith.query import sql

router = APIRouter()
WILDCARD: Final = re.compile("[%_!]")


class User(ZenithModel, table=True):
    """Who is listed. The hash is in no answer, and in no filter or order either."""

    __tablename__ = "guide_users"
    __writable__: ClassVar = {"email", "name"}
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=100)
    active: bool = True
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    password_hash: str = Field(default="", exclude=True)


@router.get("/users/search")
@public
async def search_users(email: str | None = None, q: str = "") -> list[User]:
    """Exactly this address, or every name that contains `q`."""
    if email is not None:
        return await User.where(email=email).all()
    return await search_users_safely(q)


@router.get("/users")
@public
async def get_users(sort: str = "created_at") -> list[User]:
    try:
        return await User.where(active=True).order_by(f"-{sort}").limit(10)
    except ValueError as error:
        raise HTTPException(400, detail=str(error)) from None


@router.get("/users/advanced-search")
@public
async def advanced_search(
    email: str, name: str, session: AsyncSession = Depends(get_session)
) -> list[dict[str, Any]]:
    """SQL of one's own, in the session of the request. Wildcards of the client match themselves."""
    statement = text(
        "SELECT id, email, name FROM guide_users "
        "WHERE email = :email AND name LIKE :name ESCAPE '!'"
    )
    pattern = "%" + WILDCARD.sub(r"!\g<0>", name) + "%"
    found: Any = await session.exec(statement, params={"email": email, "name": pattern})  # type: ignore[call-overload]
    return [dict(row) for row in found.mappings()]


async def get_user_safely(user_id: int) -> dict[str, Any] | None:
    """The second document's query, which asks for no more than it shows."""
    return await sql("SELECT id, name, email FROM guide_users WHERE id = :id", id=user_id).first()


async def search_users_safely(search_term: str) -> list[User]:
    """Nothing for a term that is empty or longer than 100 characters; at most 50 rows."""
    found: Sequence[User] = await User.search("name", search_term)
    return list(found)
