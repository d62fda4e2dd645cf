"""The application on Zenith, as in production, every protection on."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.apps.shop import ORIGIN, SECRET, create_item, get_with_token, post, read_item
from benchmarks.driver import Call, Lifespan
from zenith.accounts import Account
from zenith.app import Zenith
from zenith.authorization import authenticated, checks_objects, require_permission
from zenith.csrf import CsrfTokens
from zenith.kernel.keys import Secret, new_id
from zenith.rate_limits import RateLimitSettings
from zenith.settings import Settings
from zenith.tokens import TokenManager

ENOUGH = "1000000/second"
"""Never refuses, and counts with numbers of the size that real limits have."""
guarded_read = require_permission("posts:read")(checks_objects("a shop shows all")(read_item))
guarded_create = authenticated(create_item)


def settings_in(folder: Path) -> Settings:
    """Production, on SQLite, with a limit that counts but does not refuse."""
    return Settings(
        env="production",
        home=folder,
        origin=ORIGIN.decode("ascii"),
        secret_key=Secret(SECRET),
        rate_limits=RateLimitSettings(per_address=ENOUGH),
    )


def shop_routes(app: Zenith) -> None:
    """The two routes that all applications have."""
    app.get("/items/{item_id}")(guarded_read)
    app.post("/items")(guarded_create)


class Protected:
    """Zenith with its database in a folder that goes with it."""

    def __init__(self, routes: Callable[[Zenith], None] = shop_routes) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zenith-bench-")
        self.settings = settings_in(Path(self._folder.name))
        self.app = Zenith(settings=self.settings)
        routes(self.app)
        self.app.add_auth()
        self._lifespan = Lifespan(self.app)
        self._account = Account(
            id=new_id(),
            email="a@bench.example",
            email_key="a@bench.example",
            created_at=time.time(),
        )
        self._cookie = self._token = ""

    async def start(self) -> None:
        """Start the application and sign an account in."""
        await self._lifespan.__aenter__()
        accounts = self.app.accounts
        await accounts.store.create(self._account)
        session, cookie = await accounts.sessions.start(self._account.id, kind="browser")
        self._cookie = f"{self.app.assembly.settings.sessions.cookie}={cookie}"
        tokens = CsrfTokens(self.settings.secrets)
        self._token = tokens.issue(f"session:{session.id}", pad=bytes(range(32)))

    async def stop(self) -> None:
        """Stop it and remove its folder."""
        await self._lifespan.__aexit__()
        self._folder.cleanup()

    def _issue(self) -> str:
        manager = TokenManager(
            keyring=self.app.assembly.keyring, settings=self.app.assembly.settings.tokens
        )
        return manager.issue_access(self._account.id, session_id=new_id(), roles=["user"])

    def seen(self) -> Call:
        return get_with_token(self._issue())

    def seen_at(self, path: str) -> Call:
        """As `seen`, elsewhere."""
        return get_with_token(self._issue(), path)

    def unseen(self, count: int) -> list[Call]:
        return [get_with_token(self._issue()) for _ in range(count)]

    def change(self) -> Call:
        return post(
            (b"cookie", self._cookie.encode("ascii")),
            (b"x-csrf-token", self._token.encode("ascii")),
        )
