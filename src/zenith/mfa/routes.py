"""The JSON API of second factors, as `app.add_auth()` mounts it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts import Client, FactorsDue, TokenKind, authenticated_to_enrol
from zenith.accounts.depends import account_services
from zenith.accounts.devices import device_cookie_name
from zenith.accounts.routes import TokenResponse, keep_device, know_device
from zenith.authorization import SecuredRoute, public, require_everywhere, require_factor
from zenith.kernel.errors import NotFoundError
from zenith.kernel.keys import new_token
from zenith.mfa.depends import mfa_services
from zenith.mfa.enrolment import Added
from zenith.mfa.passkeys import Passkeys
from zenith.mfa.store import PasskeyRecord
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings, describe_device, renewed_cookie, session_of
from zenith.tokens import prove_key, proven_key

MANAGE_ACCOUNTS = "users:write"
NO_STORE = "no-store"
Name = Annotated[str, Field(max_length=60)]
Credential = Annotated[dict[str, Any], Field(max_length=16)]
Handle = Annotated[str, Field(min_length=16, max_length=512)]


class Input(BaseModel):
    """Base of request bodies: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PasskeyItem(BaseModel):
    """One passkey."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None
    backup_eligible: bool
    backed_up: bool
    second_only: bool
    """Whether it opens nothing by itself since the account was taken back."""


class FactorsResponse(BaseModel):
    """What the account has."""

    totp: bool
    recovery_codes: int
    passkeys: list[PasskeyItem]


class TotpResponse(BaseModel):
    """A secret for an authenticator app; it counts once `confirm` got a code."""

    secret: str
    uri: str
    ticket: str


class TotpConfirmation(Input):
    """The ticket of the enrolment and the app's first code."""

    ticket: Annotated[str, Field(max_length=1024)]
    code: Annotated[str, Field(max_length=16, examples=["123456"])]


class NewPasskey(Input):
    """The authenticator's answer, as `PublicKeyCredential.toJSON()` gives it."""

    credential: Credential
    name: Name = ""


class PasskeyName(Input):
    """What the owner calls the passkey."""

    name: Name


class AddedResponse(BaseModel):
    """A factor was added. `recovery_codes` are shown this once; `access_token` says that the factor
    is proven, for programs whose sign-in lives in tokens.
    """

    recovery_codes: list[str]
    access_token: str | None = None
    token_type: TokenKind | None = None
    expires_in: int | None = None


class RecoveryCodesResponse(BaseModel):
    """Fresh codes, shown this once; those before are void."""

    recovery_codes: list[str]


class DeviceItem(BaseModel):
    """A device on which the second factor is not asked for."""

    id: str
    device: str
    address: str
    created_at: float
    last_used_at: float
    expires_at: float


class ChallengeRequest(Input):
    """The challenge of a login."""

    challenge: Annotated[str, Field(max_length=512)]


class OptionsResponse(BaseModel):
    """What `navigator.credentials.get()` or `create()` takes as `publicKey`."""

    options: dict[str, Any]


class SignInOptions(OptionsResponse):
    """The same, with a secret that the caller keeps and sends back with the answer."""

    handle: str


class PasskeyAnswer(Input):
    """What signs in with a passkey alone."""

    handle: Handle
    credential: Credential


def mfa_router(*, prefix: str = "/auth") -> APIRouter:
    """Routes to see, add, use and remove second factors."""
    router = APIRouter(prefix=prefix, tags=["factors"], route_class=SecuredRoute)
    add, base = router.add_api_route, "/factors"
    add(base, factors, methods=["GET"])
    add(f"{base}/totp", begin_totp, methods=["POST"])
    add(f"{base}/totp/confirm", confirm_totp, methods=["POST"], status_code=201)
    add(f"{base}/totp", remove_totp, methods=["DELETE"], status_code=204)
    add(f"{base}/passkeys/options", passkey_options, methods=["POST"])
    add(f"{base}/passkeys", add_passkey, methods=["POST"], status_code=201)
    add(f"{base}/passkeys/{{passkey_id}}", rename_passkey, methods=["PATCH"], status_code=204)
    add(f"{base}/passkeys/{{passkey_id}}", remove_passkey, methods=["DELETE"], status_code=204)
    add(f"{base}/recovery-codes", renew_recovery_codes, methods=["POST"], status_code=201)
    add(f"{base}/devices", devices, methods=["GET"])
    add(f"{base}/devices", end_devices, methods=["DELETE"], status_code=204)
    add(f"{base}/devices/{{device_id}}", end_device, methods=["DELETE"], status_code=204)
    add("/confirm/passkey", confirm_options, methods=["POST"])
    add("/login/factor/passkey", factor_options, methods=["POST"])
    add("/login/passkey/options", sign_in_options, methods=["POST"])
    add("/login/passkey", sign_in, methods=["POST"])
    add("/accounts/{account_id}/factors", reset, methods=["DELETE"], status_code=204)
    return router


@authenticated_to_enrol
async def factors(request: Request) -> FactorsResponse:
    """What the account has."""
    held = await mfa_services(request).enrolment.overview(_principal(request).subject)
    return FactorsResponse(
        totp=held.totp is not None,
        recovery_codes=held.counts.recovery_codes,
        passkeys=[_item(record) for record in held.passkeys],
    )


@authenticated_to_enrol
async def begin_totp(request: Request, response: Response) -> TotpResponse:
    """A secret for an authenticator app. Nothing is stored until it is confirmed."""
    begun = await mfa_services(request).enrolment.begin_totp(_principal(request))
    response.headers["Cache-Control"] = NO_STORE
    return TotpResponse(secret=begun.secret, uri=begun.uri, ticket=begun.ticket)


@authenticated_to_enrol
async def confirm_totp(
    body: TotpConfirmation, request: Request, response: Response
) -> AddedResponse:
    """Store the authenticator app that made this code."""
    exchange = exchange_of(request.scope)
    added = await mfa_services(request).enrolment.confirm_totp(
        exchange.principal,
        body.ticket,
        body.code,
        client=Client.of(exchange),
        presented=_presented(exchange),
    )
    return await _added(request, response, added)


@authenticated_to_enrol
async def remove_totp(request: Request) -> None:
    """Remove the authenticator app; other sign-ins end."""
    client = Client.of(exchange_of(request.scope))
    await mfa_services(request).enrolment.remove_totp(_principal(request), client=client)


@authenticated_to_enrol
async def passkey_options(request: Request, response: Response) -> OptionsResponse:
    """Options for `navigator.credentials.create()`."""
    options = await mfa_services(request).enrolment.passkey_options(_principal(request))
    response.headers["Cache-Control"] = NO_STORE
    return OptionsResponse(options=options)


@authenticated_to_enrol
async def add_passkey(body: NewPasskey, request: Request, response: Response) -> AddedResponse:
    """Store the passkey that the authenticator made."""
    exchange = exchange_of(request.scope)
    added = await mfa_services(request).enrolment.add_passkey(
        exchange.principal,
        json.dumps(body.credential),
        name=body.name,
        client=Client.of(exchange),
        presented=_presented(exchange),
    )
    return await _added(request, response, added)


@authenticated_to_enrol
async def rename_passkey(passkey_id: str, body: PasskeyName, request: Request) -> None:
    """Name a passkey."""
    enrolment = mfa_services(request).enrolment
    await enrolment.rename_passkey(_principal(request), passkey_id, body.name)


@authenticated_to_enrol
async def remove_passkey(passkey_id: str, request: Request) -> None:
    """Remove a passkey; other sign-ins end."""
    client = Client.of(exchange_of(request.scope))
    enrolment = mfa_services(request).enrolment
    await enrolment.remove_passkey(_principal(request), passkey_id, client=client)


@authenticated_to_enrol
async def renew_recovery_codes(request: Request, response: Response) -> RecoveryCodesResponse:
    """Ten fresh recovery codes; those before are void."""
    client = Client.of(exchange_of(request.scope))
    enrolment = mfa_services(request).enrolment
    codes = await enrolment.renew_recovery_codes(_principal(request), client=client)
    response.headers["Cache-Control"] = NO_STORE
    return RecoveryCodesResponse(recovery_codes=list(codes))


@authenticated_to_enrol
async def devices(request: Request) -> list[DeviceItem]:
    """Devices on which the second factor is not asked for."""
    account = await account_services(request).store.by_id(_principal(request).subject)
    if account is None:
        raise NotFoundError
    return [
        DeviceItem(
            id=each.id,
            device=describe_device(each.user_agent),
            address=each.address,
            created_at=each.created_at,
            last_used_at=each.last_used_at,
            expires_at=each.expires_at,
        )
        for each in await mfa_services(request).trusted.list(account)
    ]


@authenticated_to_enrol
async def end_devices(request: Request) -> None:
    """Trust no device any more."""
    client = Client.of(exchange_of(request.scope))
    await mfa_services(request).trusted.end(_principal(request).subject, None, client=client)


@authenticated_to_enrol
async def end_device(device_id: str, request: Request) -> None:
    """Trust one device no more."""
    client = Client.of(exchange_of(request.scope))
    trusted = mfa_services(request).trusted
    if not await trusted.end(_principal(request).subject, device_id, client=client):
        raise NotFoundError


@authenticated_to_enrol
async def confirm_options(request: Request, response: Response) -> OptionsResponse:
    """Options for `navigator.credentials.get()`, to confirm with a passkey (`POST confirm`)."""
    account_id = _principal(request).subject
    options = await _passkeys(request).factor_options(account_id, account_id)
    response.headers["Cache-Control"] = NO_STORE
    return OptionsResponse(options=options)


@public
async def factor_options(
    body: ChallengeRequest, request: Request, response: Response
) -> OptionsResponse:
    """Options for `navigator.credentials.get()`, to finish a login with a passkey."""
    sign_in = account_services(request).sign_in
    pending, account = await sign_in.waiting(body.challenge, "tokens")
    options = await _passkeys(request).factor_options(account.id, pending.digest)
    response.headers["Cache-Control"] = NO_STORE
    return OptionsResponse(options=options)


@public
async def sign_in_options(request: Request, response: Response) -> SignInOptions:
    """Options for `navigator.credentials.get()`, to sign in with a passkey alone."""
    handle = new_token()
    options = mfa_services(request).passkey_sign_in.options(handle)
    response.headers["Cache-Control"] = NO_STORE
    return SignInOptions(options=options, handle=handle)


@public
async def sign_in(body: PasskeyAnswer, request: Request, response: Response) -> TokenResponse:
    """Exchange a passkey's answer for an access token and a refresh token."""
    exchange = exchange_of(request.scope)
    await prove_key(exchange)
    secure = exchange.service(SessionSettings).secure_cookies
    client = Client.of(exchange, device_cookie=device_cookie_name(secure=secure))
    entered = await mfa_services(request).passkey_sign_in.tokens(
        json.dumps(body.credential), handle=body.handle, client=client
    )
    if isinstance(entered, FactorsDue):
        raise NotFoundError(reason="a passkey is two factors, yet another was due")
    await know_device(exchange, entered, response)
    response.headers["Cache-Control"] = NO_STORE
    return TokenResponse(
        access_token=entered.access_token,
        refresh_token=entered.refresh_token,
        expires_in=entered.expires_in,
        token_type=entered.token_type,
    )


@require_everywhere(MANAGE_ACCOUNTS)
@require_factor("password", "passkey", "totp", "recovery_code")
async def reset(account_id: str, request: Request) -> None:
    """Remove every second factor of an account, for an owner who has lost them all."""
    exchange = exchange_of(request.scope)
    client = Client.of(exchange)
    if not await mfa_services(request).reset.reset(exchange.principal, account_id, client=client):
        raise NotFoundError


def _principal(request: Request) -> Any:
    return exchange_of(request.scope).principal


def _presented(exchange: Exchange) -> str | None:
    session = session_of(exchange)
    return None if session is None else session.digest


def _passkeys(request: Request) -> Passkeys:
    passkeys = mfa_services(request).passkeys
    if passkeys is None:
        raise NotFoundError("Passkeys are off here", reason="mfa.passkeys is off")
    return passkeys


def _item(record: PasskeyRecord) -> PasskeyItem:
    return PasskeyItem(
        id=record.id,
        name=record.name,
        created_at=record.created_at,
        last_used_at=record.last_used_at,
        backup_eligible=record.backup_eligible,
        backed_up=record.backed_up,
        second_only=record.second_only,
    )


async def _added(request: Request, response: Response, added: Added) -> AddedResponse:
    exchange = exchange_of(request.scope)
    response.headers["Cache-Control"] = NO_STORE
    answer = AddedResponse(recovery_codes=list(added.recovery_codes))
    # What this browser was known by dates from before the factor.
    await keep_device(exchange, exchange.principal.subject, response)
    renewed = None if added.session is None else (added.session, added.cookie)
    cookie = renewed_cookie(renewed, exchange.service(SessionSettings))
    if cookie is not None:
        response.headers.append("set-cookie", cookie)
    elif added.session is not None:
        grants = account_services(request).grants
        access = await grants.access(added.session, thumbprint=proven_key(exchange))
        answer.access_token, answer.token_type = access.token, access.token_type
        answer.expires_in = access.expires_in
    return answer
