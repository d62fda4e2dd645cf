"""What handlers ask for."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection

from zenith.accounts.current_user import User
from zenith.accounts.errors import NotAnAccountError
from zenith.accounts.mail_flows.flows import MailFlows
from zenith.accounts.services import AccountServices
from zenith.authorization import authenticated, mark_access
from zenith.kernel.errors import AuthenticationError, NotFoundError
from zenith.pipeline import exchange_of


async def get_current_user(connection: HTTPConnection) -> User:
    """The signed-in account, as it was a second ago at most.

    Declares the route as `authenticated`. Raises AuthenticationError for the anonymous caller and
    for accounts that were locked or deleted meanwhile; a lock is seen as soon as any credential of
    the account is refused. Raises NotAnAccountError for API keys and services, whatever they may
    do: a route that serves them too asks for a permission and takes the principal.
    """
    exchange = exchange_of(connection.scope)
    authenticated.ask(exchange)
    principal = exchange.principal
    if principal.kind != "user":
        raise NotAnAccountError(reason=f"kind {principal.kind}")
    account = await exchange.service(AccountServices).recent.by_id(principal.subject)
    if account is None or not account.is_active:
        raise AuthenticationError(reason="the account is locked or gone")
    return User(account=account, principal=principal)


mark_access(get_current_user, authenticated)

CurrentUser: TypeAlias = Annotated[User, Depends(get_current_user)]
"""`async def handler(user: CurrentUser)`: the route admits signed-in people only."""


def account_services(connection: HTTPConnection) -> AccountServices:
    """The application's account flows."""
    return exchange_of(connection.scope).service(AccountServices)


def mail_flows(connection: HTTPConnection) -> MailFlows:
    """The flows by mail. Raises NotFoundError where mail goes nowhere."""
    flows = account_services(connection).mail
    if flows is None:
        raise NotFoundError(reason="mail is off")
    return flows
