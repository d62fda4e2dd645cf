"""Users: typed input, a check that asks the database, and a race that the database settles."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel import Field

from zenith import ZenithModel, public
from zenith.validation import Age, Email, StrictModel, Username, async_field_validator, unique
from zenith.validation.depends import Validated

TAKEN = "Username taken"
router = APIRouter()


class Member(ZenithModel, table=True):
    """One row for each user. That a username is unique is the table's business."""

    __tablename__ = "guide_members"
    __writable__: ClassVar = {"username", "email", "age"}
    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True, max_length=20)
    email: str = Field(max_length=254)
    age: int


class UserInput(StrictModel):
    """What may be sent: these three, each in one form, and nothing else."""

    username: Username
    email: Email
    age: Age

    @async_field_validator("username")
    @classmethod
    async def is_free(cls, username: str) -> None:
        if await is_username_taken(username):
            raise ValueError(TAKEN)


class Message(BaseModel):
    """A sentence for people."""

    message: str


async def is_username_taken(username: str) -> bool:
    """Whether there is a user of that name, as of now."""
    return await Member.where(username=username).count() > 0


@router.post("/users", status_code=201)
@public
async def create_user(user_data: Validated[UserInput]) -> Message:
    """Two may be told at once that a name is free; only one of them gets it."""
    with unique(username=TAKEN):
        await Member.create(**user_data.model_dump())
    return Message(message="User created successfully")
