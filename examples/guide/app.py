"""The application: every topic's routes on one `Zenith`."""

from __future__ import annotations

from dataclasses import replace

from examples.guide import (
    api_keys,
    audit,
    content,
    documents,
    forms,
    headers,
    limits,
    middleware,
    passwords,
    queries,
    roles,
    tokens,
    users,
)
from zenith import Settings, Zenith, public


def create_app(settings: Settings | None = None) -> Zenith:
    """The guides' application. `settings` default to those of the environment."""
    app = Zenith(settings=guide_settings(settings or Settings.from_env()), title="Guide")
    app.add_auth()
    app.add_api_route("/", hello)
    topics = (tokens, api_keys, roles, passwords, forms, limits, audit, queries, documents, users)
    for topic in (*topics, content):
        app.include_router(topic.router)
    middleware.install(app)
    return app


def guide_settings(settings: Settings) -> Settings:
    """`settings` with what the guides decide otherwise than Zenith's defaults."""
    return replace(
        settings,
        passwords=replace(settings.passwords, policy="guide"),
        headers=headers.HEADERS,
        csrf=forms.CSRF,
        api_keys=api_keys.API_KEYS,
    )


@public
async def hello() -> dict[str, str]:
    return {"message": "Hello"}
