"""What happens by mail, as JSON routes. They are there only where mail goes somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts.client import Client
from zenith.accounts.depends import mail_flows
from zenith.accounts.factors import in_person
from zenith.authorization import public
from zenith.pipeline import exchange_of

EmailText = Annotated[str, Field(max_length=254, examples=["ada@example.org"])]
PasswordText = Annotated[str, Field(max_length=1024)]
TokenText = Annotated[str, Field(max_length=128)]
ON_ITS_WAY = "If the address needs it, a mail is on its way."


class Address(BaseModel):
    """An e-mail address."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    email: EmailText


class ForgottenPassword(Address):
    """An e-mail address; `challenge` where the settings ask for one."""

    challenge: Annotated[str, Field(max_length=8192)] = ""


class LinkToken(BaseModel):
    """The secret of a mailed link."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: TokenText


class ResetRequest(LinkToken):
    """The secret of a mailed link, and the next password."""

    new_password: PasswordText


class NewEmail(BaseModel):
    """The next address, and the present password; empty for an account without one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    new_email: EmailText
    current_password: PasswordText = ""


class Queued(BaseModel):
    """A sentence for people."""

    message: str = ON_ITS_WAY


def add_mail_routes(router: APIRouter) -> None:
    """Add them."""
    asked: dict[str, Callable[..., Any]] = {
        "/password/forgot": forgot_password,
        "/email/verify/resend": resend_verification,
        "/email/change": change_email,
    }
    used: dict[str, Callable[..., Any]] = {
        "/password/reset": reset_password,
        "/email/verify": verify_email,
        "/email/confirm": confirm_email,
        "/email/revert": revert_email,
    }
    for path, ask in asked.items():
        router.add_api_route(path, ask, methods=["POST"], status_code=202)
    for path, use in used.items():
        router.add_api_route(path, use, methods=["POST"], status_code=204)


@public
async def forgot_password(body: ForgottenPassword, request: Request) -> Queued:
    """Ask for a link that sets a new password. The answer is the same for every address."""
    client = Client.of(exchange_of(request.scope), proof=body.challenge)
    await mail_flows(request).password_reset.ask(body.email, client=client)
    return Queued()


@public
async def reset_password(body: ResetRequest, request: Request) -> None:
    """Set a new password with a mailed link; every sign-in of the account ends."""
    await mail_flows(request).password_reset.reset(
        body.token, body.new_password, client=_client(request)
    )


@public
async def verify_email(body: LinkToken, request: Request) -> None:
    """Confirm an address with a mailed link."""
    await mail_flows(request).verification.verify(body.token, client=_client(request))


@public
async def resend_verification(body: Address, request: Request) -> Queued:
    """Ask for another link that confirms an address. The answer is the same for every address."""
    await mail_flows(request).verification.resend(body.email, client=_client(request))
    return Queued()


@in_person
async def change_email(body: NewEmail, request: Request) -> Queued:
    """Ask for another address. It changes once the link that is mailed there is used; the answer
    is the same if the address has an account.
    """
    principal = exchange_of(request.scope).principal
    await mail_flows(request).email_changes.ask(
        principal, body.new_email, body.current_password, client=_client(request)
    )
    return Queued()


@public
async def confirm_email(body: LinkToken, request: Request) -> None:
    """Use a new address with the link that was mailed to it."""
    await mail_flows(request).email_changes.confirm(body.token, client=_client(request))


@public
async def revert_email(body: LinkToken, request: Request) -> None:
    """Bring a former address back with the link that was mailed to it. Every sign-in ends, and the
    password is removed: a link to set a new one is mailed.
    """
    await mail_flows(request).email_changes.revert(body.token, client=_client(request))


def _client(request: Request) -> Client:
    return Client.of(exchange_of(request.scope))
