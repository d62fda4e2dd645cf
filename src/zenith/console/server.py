"""The ready server: accounts, pages and API on one `Zenith` application."""

from __future__ import annotations

from starlette.staticfiles import StaticFiles

from zenith.app import Zenith
from zenith.authorization import public
from zenith.console.account_pages import account_pages
from zenith.console.admin_pages import admin_pages
from zenith.console.rendering import ASSETS, Pages
from zenith.console.setup_pages import setup_pages
from zenith.console.visitor_pages import SIGN_IN, visitor_pages
from zenith.pipeline import PageStyle, SignInPage
from zenith.settings import Settings


def create_server(settings: Settings | None = None) -> Zenith:
    """The application that `zenith serve` runs; any ASGI server can run it too.

    `settings` default to the environment's. Raises ConfigurationError for unsafe ones.
    """
    app = Zenith(
        settings=settings,
        title="Zenith",
        services={
            Pages: Pages(),
            SignInPage: SignInPage(SIGN_IN),
            PageStyle: PageStyle("/assets/console.css"),
        },
    )
    app.add_auth()
    app.include_router(visitor_pages())
    app.include_router(account_pages())
    app.include_router(admin_pages())
    app.include_router(setup_pages())
    app.mount("/assets", public(StaticFiles(directory=ASSETS)), name="assets")
    return app
