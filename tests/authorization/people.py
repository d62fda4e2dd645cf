"""Principals, and a way to ask an application as one of them."""

from __future__ import annotations

from tests.pipeline.asgi import SignedInAs, ask, make_scope
from zenith.authorization import AuthorizationGuard
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import SecurityMiddleware

ALICE = Principal(
    subject="alice",
    roles=frozenset({"editor"}),
    permissions=Permissions(["posts:write"]),
    scopes=frozenset({"read"}),
)
BOB = Principal(subject="bob")


def protect(app, principal=ANONYMOUS, **options):
    options = {"refuse_undeclared": False} | options
    guards = [SignedInAs(principal), AuthorizationGuard(**options)]
    return SecurityMiddleware(app, guards=guards)


def only_the_pipeline(app, principal=ANONYMOUS):
    """Without the guard: what declarations enforce by themselves."""
    return SecurityMiddleware(app, guards=[SignedInAs(principal)])


async def status(app, *args, **scope):
    return (await ask(app, make_scope(*args, **scope), b"{}")).status
