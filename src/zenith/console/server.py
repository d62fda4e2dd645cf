"""The ready server: accounts, pages and API on one `Zenith` application."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp

from zenith.app import Zenith
from zenith.authorization import ConfirmPage, public
from zenith.console.account_pages import account_pages
from zenith.console.admin_pages import admin_pages
from zenith.console.confirm_pages import CONFIRM, confirm_pages
from zenith.console.key_pages import key_pages
from zenith.console.rendering import Pages
from zenith.console.setup_pages import setup_pages
from zenith.console.static import FILE_LIMIT, PREFIX, Assets, asset
from zenith.console.visitor_pages import SIGN_IN, visitor_pages
from zenith.passwords import PasswordPolicy
from zenith.pipeline import PageStyle, SignInPage
from zenith.rate_limits import rate_limit
from zenith.settings import Settings

DOCS: Final = "/docs"


def create_server(settings: Settings | None = None) -> Zenith:
    """The application that `zenith serve` runs; any ASGI server can run it too.

    `settings` default to the environment's. Raises ConfigurationError for unsafe ones.
    """
    settings = settings or Settings.from_env()
    docs = "" if settings.is_production else DOCS
    app = Zenith(
        settings=settings,
        title="Zenith",
        docs_url=DOCS,
        services={
            Pages: Pages(
                least_password=PasswordPolicy.from_settings(settings.passwords).min_length,
                docs=docs,
                keys=settings.api_keys is not None,
            ),
            SignInPage: SignInPage(SIGN_IN),
            ConfirmPage: ConfirmPage(CONFIRM),
            PageStyle: PageStyle(asset("console.css")),
        },
    )
    app.add_auth()
    app.include_router(visitor_pages())
    app.include_router(account_pages())
    app.include_router(confirm_pages())
    app.include_router(admin_pages())
    if settings.api_keys is not None:
        app.include_router(key_pages())
    app.include_router(setup_pages())
    app.mount(PREFIX, _files(settings), name="assets")
    return app


def _files(settings: Settings) -> ASGIApp:
    files = public(Assets())
    if settings.rate_limits is None:
        return files
    return rate_limit(FILE_LIMIT, replaces_default=True)(files)
