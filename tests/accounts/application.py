"""Whole applications with fast passwords and a clean folder, and clients that speak to them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
from starlette.routing import Route

from zenith.abuse import AbuseSettings
from zenith.accounts import AccountSettings, Client
from zenith.app import Zenith
from zenith.authorization import public
from zenith.console.cookies import device_cookie, session_header
from zenith.csrf import csrf_token
from zenith.kernel.keys import Secret
from zenith.passwords import PasswordSettings
from zenith.pipeline import exchange_of
from zenith.rate_limits import RateLimitSettings
from zenith.settings import Settings
from zenith.stores.settings import DatabaseSettings, RedisSettings

EMAIL = "ada@example.org"
PASSWORD = "quartz lantern 7 otter plum"
OTHER_PASSWORD = "velvet anchor 3 maple kite"
KEY = Secret("kX3vN8qLz1TgWb6YpRj4HsDc9MfUe2Ao7iVn5xQy0tZw")
ORIGIN = "http://localhost:8000"
ALICE = Client(address="198.51.100.7", user_agent="test")


def make_settings(home, *, database=None, redis=None, **more):
    """Fast and quiet: no pause at registration, cheap hashes, limits that no test meets."""
    given = {
        "env": "test",
        "home": home,
        "secret_key": KEY,
        "passwords": PasswordSettings(profile="testing", workers=2),
        "accounts": AccountSettings(
            register_seconds=0,
            sign_in_limit="1000/minute",
            register_limit="1000/minute",
            mail_limit="1000/minute",
            mailbox_limit="1000/hour",
        ),
        "abuse": AbuseSettings(free_attempts=1_000, address_proof_after=100_000),
        "rate_limits": RateLimitSettings(per_address="100000/minute"),
        "database": None if database is None else DatabaseSettings(url=Secret(database)),
        "redis": None if redis is None else RedisSettings(url=Secret(redis)),
    }
    return Settings(**(given | more))


def make_app(home, *, settings=None, **more):
    """An application with accounts, and a page that signs a browser in as the console does."""
    app = Zenith(settings=settings or make_settings(home, **more))
    app.add_auth()
    app.routes.append(Route("/page", page, methods=["GET"]))
    app.routes.append(Route("/page/sign-in", sign_in, methods=["POST"]))
    return app


@public
async def page(request):
    token = csrf_token(request)
    return httpx_json({"token": token, "who": exchange_of(request.scope).principal.subject})


@public
async def sign_in(request):
    form = await request.form()
    exchange = exchange_of(request.scope)
    services = request.app.accounts
    device = request.cookies.get("zenith-device", "")
    client = replace(Client.of(exchange), device=device)
    present = exchange.principal if exchange.principal.is_authenticated else None
    signed_in = await services.sign_in.with_cookie(
        form["email"], form["password"], client=client, replaces=present
    )
    response = httpx_json({"session": signed_in.session.id})
    response.headers.append("set-cookie", session_header(exchange, signed_in.cookie))
    known = services.devices.issue(signed_in.account)
    response.headers.append("set-cookie", device_cookie(exchange, known))
    return response


def httpx_json(content):
    from starlette.responses import JSONResponse

    return JSONResponse(content)


def browse(app, *, address="127.0.0.1", origin=ORIGIN, **options):
    """A client at `address`; it keeps cookies."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=origin, **options)


class StartRefusedError(Exception):
    """The application told the server why it does not start."""


@asynccontextmanager
async def running(app):
    """Start the application as a server does, and stop it. Raises StartRefusedError."""
    received: asyncio.Queue = asyncio.Queue()
    sent: asyncio.Queue = asyncio.Queue()
    serving = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, received.get, sent.put)
    )
    await received.put({"type": "lifespan.startup"})
    answer = asyncio.create_task(sent.get())
    await asyncio.wait({answer, serving}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        await serving
    if answer.result()["type"] != "lifespan.startup.complete":
        await asyncio.gather(serving, return_exceptions=True)
        raise StartRefusedError(answer.result()["message"])
    try:
        yield app
    finally:
        await received.put({"type": "lifespan.shutdown"})
        await serving


async def register(client, email=EMAIL, password=PASSWORD, **more):
    return await client.post("/auth/register", json={"email": email, "password": password, **more})


async def login(client, email=EMAIL, password=PASSWORD):
    return await client.post("/auth/login", json={"email": email, "password": password})


async def sign_in_with_form(client, email=EMAIL, password=PASSWORD):
    """As a browser does: open the page, send the form with its token."""
    token = (await client.get("/page")).json()["token"]
    return await client.post(
        "/page/sign-in",
        data={"email": email, "password": password, "csrf_token": token},
        headers={"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"},
    )


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def make_administrator(app, email="root@example.org", password=OTHER_PASSWORD):
    """The first administrator, through the first-run secret; as an account."""
    registration = app.accounts.registration
    secret = await registration.issue_setup_secret()
    return await registration.create_administrator(secret, email, password, client=ALICE)


async def events_of(app, *types):
    """What the audit log holds of these types, oldest first."""
    from zenith.stores.sql import SqlAuditStore

    found = await SqlAuditStore(app.assembly.database).page(limit=200)
    return [each.event for each in reversed(found) if each.event.type in types]


@asynccontextmanager
async def serving(home, *emails):
    """A client of a running application at which these people have registered."""
    app = make_app(home)
    async with running(app), browse(app) as client:
        client.app = app
        for email in emails:
            await register(client, email)
        yield client
