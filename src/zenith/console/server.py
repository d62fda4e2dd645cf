"""The ready server: accounts, pages and API on one `Zenith` application."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.types import ASGIApp

from zenith.app import Zenith
from zenith.authorization import ConfirmPage, public
from zenith.console.account_pages import account_pages
from zenith.console.admin_pages import admin_pages
from zenith.console.audit_pages import audit_pages
from zenith.console.ban_pages import ban_pages
from zenith.console.confirm_pages import CONFIRM, confirm_pages
from zenith.console.factor_pages import FACTORS, factor_pages
from zenith.console.factor_sign_in_pages import factor_sign_in_pages
from zenith.console.identity_pages import identity_pages
from zenith.console.key_pages import key_pages
from zenith.console.link_pages import link_pages
from zenith.console.outbox_pages import outbox_pages
from zenith.console.own_pages import own_pages
from zenith.console.rendering import HOME, Pages
from zenith.console.report_pages import report_pages
from zenith.console.role_pages import role_pages
from zenith.console.setup_pages import setup_pages
from zenith.console.static import FILE_LIMIT, PREFIX, Assets, asset
from zenith.console.strength_pages import strength_pages
from zenith.console.verification_run import VerificationRun
from zenith.console.visitor_pages import FACTOR, SIGN_IN, visitor_pages
from zenith.mail import Outbox
from zenith.mfa import EnrolmentPage
from zenith.oauth import OAuthPages
from zenith.passwords import PasswordPolicy
from zenith.pipeline import PageStyle, SignInPage
from zenith.rate_limits import rate_limit
from zenith.settings import Settings

DOCS: Final = "/docs"
REPORT_PATH: Final = "/browser-reports"


def create_server(settings: Settings | None = None) -> Zenith:
    """The application that `zenith serve` runs; any ASGI server can run it too.

    `settings` default to the environment's. Raises ConfigurationError for unsafe ones.
    """
    settings = _collecting(settings or Settings.from_env())
    verification = VerificationRun()
    app = Zenith(
        settings=settings,
        guards=[verification],
        title="Zenith",
        docs_url=DOCS,
        services={
            Pages: _pages(settings),
            VerificationRun: verification,
            SignInPage: SignInPage(SIGN_IN),
            ConfirmPage: ConfirmPage(CONFIRM),
            OAuthPages: OAuthPages(home=HOME, factor=FACTOR),
            EnrolmentPage: EnrolmentPage(FACTORS),
            PageStyle: PageStyle(asset("console.css"), asset("zenith.svg")),
        },
    )
    app.add_auth()
    for pages in (visitor_pages, account_pages, confirm_pages, admin_pages, role_pages):
        app.include_router(pages())
    app.include_router(ban_pages())
    app.include_router(report_pages())
    _add_optional_pages(app)
    _add_mail_pages(app)
    app.include_router(setup_pages())
    app.include_router(strength_pages(limited=settings.rate_limits is not None))
    app.mount(PREFIX, _files(settings), name="assets")
    return app


def _pages(settings: Settings) -> Pages:
    """The templates, which know what the settings leave on."""
    return Pages(
        least_password=PasswordPolicy.from_settings(settings.passwords).min_length,
        docs="" if settings.is_production else DOCS,
        keys=settings.api_keys is not None,
        mail=settings.sends_mail,
        outbox=settings.sends_mail and settings.mail is None,
        factors=settings.mfa is not None,
        audit=settings.audit is not None,
        providers=settings.oauth.providers(),
    )


def _collecting(settings: Settings) -> Settings:
    """Browsers report to this server, unless the settings say otherwise."""
    headers = settings.headers
    if headers is None or headers.report_path is not None or not headers.collect_reports:
        return settings
    return replace(settings, headers=replace(headers, report_path=REPORT_PATH))


def _add_optional_pages(app: Zenith) -> None:
    """Pages of what the settings may turn off."""
    if app.settings.audit is not None:
        app.include_router(audit_pages())
    if app.settings.mfa is not None:
        app.include_router(factor_pages())
        app.include_router(factor_sign_in_pages())
    if app.settings.api_keys is not None:
        app.include_router(key_pages())
    if app.assembly.oauth is not None:
        app.include_router(identity_pages(app.assembly.oauth))


def _add_mail_pages(app: Zenith) -> None:
    mail = app.accounts.mail is not None
    app.include_router(own_pages(mail=mail))
    if mail:
        app.include_router(link_pages(headers=app.settings.headers is not None))
    if Outbox in app.assembly.services:
        app.include_router(outbox_pages())


def _files(settings: Settings) -> ASGIApp:
    files = public(Assets())
    if settings.rate_limits is None:
        return files
    return rate_limit(FILE_LIMIT, replaces_default=True)(files)
