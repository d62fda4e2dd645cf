"""Passwords: hash them, judge them, make random ones, and register with one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from zenith import Request, ValidationError, public
from zenith.accounts import Client
from zenith.accounts.depends import account_services
from zenith.passwords import (
    Argon2Parameters,
    PasswordHasher,
    PasswordManager,
    PasswordSettings,
    PasswordValidator,
)
from zenith.pipeline import exchange_of

ARGON2 = Argon2Parameters(time_cost=3, memory_cost=65_536, parallelism=4)
validator = PasswordValidator()
router = APIRouter()


class NewUser(BaseModel):
    """What registration takes, and nothing else: no role can be slipped in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=1024)]
    name: Annotated[str, Field(max_length=100)] = ""


class Message(BaseModel):
    """A sentence for people."""

    message: str


def password_hasher() -> PasswordHasher:
    """Argon2id at the guide's cost, in a bounded pool. The application has one already."""
    return PasswordHasher(PasswordSettings(argon2=ARGON2))


def password_manager() -> PasswordManager:
    """bcrypt, for what must stay bcrypt."""
    return PasswordManager()


@router.post("/register", status_code=201)
@public
async def register(user_data: NewUser, request: Request) -> Message:
    """The answer is the same whether or not the e-mail had an account."""
    is_valid, errors = validator.validate(user_data.password)
    if not is_valid:
        raise ValidationError(errors)
    await register_account(user_data, request)
    return Message(message="If this e-mail was free, the account is ready: sign in.")


async def register_account(user_data: NewUser, request: Request) -> None:
    """Hash the password and make the account, within the limits of registration."""
    await account_services(request).registration.register(
        user_data.email,
        user_data.password,
        name=user_data.name,
        client=Client.of(exchange_of(request.scope)),
    )
