"""The JSON API of accounts, as `app.add_auth()` mounts it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts.client import Client
from zenith.accounts.depends import CurrentUser, account_services
from zenith.accounts.devices import device_cookie, device_cookie_name
from zenith.accounts.factors import FactorsDue, authenticated_to_enrol, in_person
from zenith.accounts.grants import TokenKind, TokenPair
from zenith.accounts.issued_tokens import add_token_routes
from zenith.accounts.mail_flows.routes import add_mail_routes
from zenith.accounts.own_account.routes import add_account_routes
from zenith.accounts.own_sessions import add_session_routes
from zenith.accounts.role_administration.routes import add_role_routes
from zenith.accounts.services import AccountServices
from zenith.authorization import SecuredRoute, authenticated, public
from zenith.headers.site_data import clear_site_data
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings, clear_cookie, renewed_cookie, session_of
from zenith.tokens import prove_key

EmailText = Annotated[str, Field(max_length=254, examples=["ada@example.org"])]
PasswordText = Annotated[str, Field(max_length=1024)]
ChallengeText = Annotated[str, Field(max_length=8192)]
NO_STORE = "no-store"
MAX_TOKEN = 8192
"""Characters: an access token in its place is a wrong token, and no malformed request."""


class Input(BaseModel):
    """Base of request bodies: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Credentials(Input):
    """An e-mail and a password."""

    email: EmailText
    password: PasswordText


class SignInRequest(Credentials):
    """An e-mail and a password, and where the answer before asked for it the solution of its
    challenge.
    """

    altcha: Annotated[str, Field(max_length=2048)] = ""
    challenge: ChallengeText = ""


class NewAccount(Credentials):
    """What registration takes; `challenge` where the settings ask for one."""

    name: Annotated[str, Field(max_length=100)] = ""
    challenge: ChallengeText = ""


class RefreshRequest(Input):
    """The refresh token to spend."""

    refresh_token: Annotated[str, Field(max_length=MAX_TOKEN)]


class NewPassword(Input):
    """The present password and the next."""

    current_password: PasswordText
    new_password: PasswordText


class Message(BaseModel):
    """A sentence for people."""

    message: str


class TokenResponse(BaseModel):
    """RFC 6749 section 5.1."""

    access_token: str
    refresh_token: str
    token_type: TokenKind = "bearer"
    expires_in: int


class FactorsDueResponse(BaseModel):
    """The password was right, and one more factor is due: `POST login/factor`."""

    challenge: str
    factors_due: list[str]
    expires_in: int


class FactorProof(Input):
    """The factor that was due: a `code` for `totp` and `recovery_code`, a `credential` for
    `passkey`, as the browser's `PublicKeyCredential.toJSON()` gives it.
    """

    challenge: Annotated[str, Field(max_length=512)]
    factor: Annotated[str, Field(max_length=32, examples=["totp"])]
    code: Annotated[str, Field(max_length=64)] = ""
    credential: Annotated[dict[str, Any] | None, Field(max_length=16)] = None

    @property
    def proof(self) -> str:
        """As factors take it."""
        return self.code if self.credential is None else json.dumps(self.credential)


class Me(BaseModel):
    """Who is signed in."""

    id: str
    email: str
    name: str
    roles: list[str]
    permissions: list[str]
    session_id: str | None
    factors: dict[str, float]


class Ended(BaseModel):
    """How many sign-ins were ended."""

    ended: int


def auth_router(*, prefix: str = "/auth", mail: bool = True) -> APIRouter:
    """Routes to register, sign in, refresh, sign out and see oneself; with `mail` also those that
    send some.
    """
    router = APIRouter(prefix=prefix, tags=["auth"], route_class=SecuredRoute)
    router.add_api_route("/register", register, methods=["POST"], status_code=201)
    router.add_api_route("/login", login, methods=["POST"])
    router.add_api_route("/login/factor", login_factor, methods=["POST"])
    router.add_api_route("/refresh", refresh, methods=["POST"])
    router.add_api_route("/logout", logout, methods=["POST"], status_code=204)
    router.add_api_route("/logout/everywhere", logout_everywhere, methods=["POST"])
    router.add_api_route("/me", me, methods=["GET"])
    router.add_api_route("/password", change_password, methods=["POST"], status_code=204)
    add_session_routes(router)
    add_token_routes(router)
    add_account_routes(router)
    add_role_routes(router)
    if mail:
        add_mail_routes(router)
    return router


@public
async def register(body: NewAccount, request: Request) -> Message:
    """Make an account. The answer is the same whether or not the e-mail had one."""
    services = account_services(request)
    client = Client.of(exchange_of(request.scope), proof=body.challenge)
    await services.registration.register(body.email, body.password, client=client, name=body.name)
    return Message(message="If this e-mail was free, the account is ready: sign in.")


@public
async def login(
    body: SignInRequest, request: Request, response: Response
) -> TokenResponse | FactorsDueResponse:
    """Exchange e-mail and password for an access token and a refresh token, or for a challenge
    where the account has a second factor.
    """
    exchange = exchange_of(request.scope)
    await prove_key(exchange)
    secure = exchange.service(SessionSettings).secure_cookies
    name = device_cookie_name(secure=secure)
    client = Client.of(exchange, device_cookie=name, proof=body.altcha or body.challenge)
    services = account_services(request)
    entered = await services.sign_in.with_tokens(body.email, body.password, client=client)
    if not isinstance(entered, FactorsDue):
        await know_device(exchange, entered, response)
        return _answer(entered, response)
    response.headers["Cache-Control"] = NO_STORE
    return FactorsDueResponse(
        challenge=entered.challenge,
        factors_due=list(entered.kinds),
        expires_in=entered.expires_in,
    )


@public
async def login_factor(body: FactorProof, request: Request, response: Response) -> TokenResponse:
    """Exchange the challenge of a login, with the factor that was due, for the tokens."""
    exchange = exchange_of(request.scope)
    await prove_key(exchange)
    secure = exchange.service(SessionSettings).secure_cookies
    client = Client.of(exchange, device_cookie=device_cookie_name(secure=secure))
    pair = await account_services(request).sign_in.finish_tokens(
        body.challenge, body.factor, body.proof, client=client
    )
    await know_device(exchange, pair, response)
    return _answer(pair, response)


@public
async def refresh(body: RefreshRequest, request: Request, response: Response) -> TokenResponse:
    """Spend a refresh token for the next pair."""
    exchange = exchange_of(request.scope)
    await prove_key(exchange)
    client = Client.of(exchange)
    pair = await account_services(request).grants.rotate(body.refresh_token, client=client)
    return _answer(pair, response)


@authenticated_to_enrol
async def logout(request: Request, response: Response) -> None:
    """End the sign-in that this credential belongs to, for every process at once."""
    exchange = exchange_of(request.scope)
    services = account_services(request)
    await services.sign_in.sign_out(exchange.principal, client=Client.of(exchange))
    _forget(exchange, response)


@authenticated_to_enrol
async def logout_everywhere(request: Request, response: Response) -> Ended:
    """End every sign-in of the account, this one included."""
    exchange = exchange_of(request.scope)
    sign_in = account_services(request).sign_in
    ended = await sign_in.sign_out_everywhere(exchange.principal, client=Client.of(exchange))
    _forget(exchange, response)
    return Ended(ended=ended)


@authenticated
async def me(user: CurrentUser) -> Me:
    """Who is signed in."""
    return Me(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=list(user.roles),
        permissions=list(user.principal.permissions),
        session_id=user.principal.session_id,
        factors=dict(user.principal.factors),
    )


@in_person
async def change_password(body: NewPassword, request: Request, response: Response) -> None:
    """Change the password; every other sign-in of the account ends, and this one goes on under a
    new cookie.
    """
    exchange = exchange_of(request.scope)
    renewed = await account_services(request).password_change.change(
        exchange.principal,
        body.current_password,
        body.new_password,
        client=Client.of(exchange),
    )
    cookie = renewed_cookie(renewed, exchange.service(SessionSettings))
    if cookie is not None:
        response.headers.append("set-cookie", cookie)
    await keep_device(exchange, exchange.principal.subject, response)


async def know_device(exchange: Exchange, pair: TokenPair, response: Response) -> None:
    """Let a browser that has just signed in be known from now on; programs keep nothing."""
    if exchange.header(b"sec-fetch-site"):
        session = await exchange.service(AccountServices).sessions.get(pair.session_id)
        if session is not None:
            await keep_device(exchange, session.account_id, response)


async def keep_device(exchange: Exchange, account_id: str, response: Response) -> None:
    """Let a browser keep its way in while strangers fail at the account; programs keep nothing."""
    services = exchange.service(AccountServices)
    account = await services.store.by_id(account_id)
    if account is not None and exchange.header(b"sec-fetch-site"):
        secure = exchange.service(SessionSettings).secure_cookies
        cookie = device_cookie(services.devices.issue(account), secure=secure)
        response.headers.append("set-cookie", cookie)


def _forget(exchange: Exchange, response: Response) -> None:
    """A browser need not keep what it has of us, nor a cookie that opens nothing any more."""
    clear_site_data(exchange, response)
    if session_of(exchange) is not None:
        cookie = clear_cookie(exchange.service(SessionSettings))
        response.headers.append("set-cookie", cookie)


def _answer(pair: TokenPair, response: Response) -> TokenResponse:
    response.headers["Cache-Control"] = NO_STORE
    return TokenResponse(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        token_type=pair.token_type,
    )
