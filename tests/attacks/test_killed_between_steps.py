"""The attack: pull the plug. A server that dies between two statements of a flow must not leave a
new password beside a thief's session, an account that nobody can enter, a key that was replaced by
none. Each flow is cut off before each commit, and before each statement that is one by itself; a
new server on the same file then finds the flow undone, to be repeated, or done.

`ZENITH_TEST_KILL_ALL=1` takes every flow; else those with the most to lose are taken."""

from __future__ import annotations

import math
import os
import shutil
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import get_ident

import pytest
from sqlalchemy import Engine, Pool, event

from tests.accounts import killable as accounts
from tests.accounts.application import browse, make_app, make_settings, running
from tests.api_keys import killable as api_keys
from tests.mfa import killable as mfa
from tests.oauth import killable as oauth
from tests.oauth.fake import CLIENT, ISSUER, SECRET, FakeProvider
from zenith.kernel.keys import Secret
from zenith.oauth import OAuthSettings, OpenIDConnect, http_client

HONEST = http_client.ProviderHttp
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
MERE_RECORDS = ("zenith_audit_events", "zenith_attempts")
MOST_TO_LOSE = [mfa.AddingTotp, api_keys.RotatingKey]
FLOWS = [
    accounts.Registering,
    accounts.Verifying,
    accounts.Forgetting,
    accounts.Resetting,
    accounts.ChangingPassword,
    accounts.ChangingEmail,
    accounts.Reverting,
    accounts.Deleting,
    accounts.Entering,
    accounts.Refreshing,
    accounts.Leaving,
    accounts.LeavingEverywhere,
    accounts.Confirming,
    mfa.AddingTotp,
    mfa.RemovingTotp,
    mfa.AddingPasskey,
    mfa.EnteringByPasskey,
    mfa.EnteringWithCode,
    api_keys.MakingKey,
    api_keys.RotatingKey,
    api_keys.RevokingKey,
    oauth.EnteringByProvider,
    oauth.Linking,
]


class Killed(BaseException):
    """The process is gone."""


class Plug:
    """Pulled before the n-th step that would last: from then on nothing reaches the database.

    The hooks hear every engine of this process; servers of other tests live in other threads.
    """

    def __init__(self):
        self.left, self.opened, self.thread = math.inf, [], get_ident()

    def opens(self, connection, *_):
        if get_ident() == self.thread:
            self.opened.append(connection.driver_connection)

    def writes(self, connection, cursor, statement, *_):
        if get_ident() != self.thread:
            return
        if self.left < 0:
            raise Killed
        alone = "zenith_single" in connection.get_execution_options()
        counts = alone and not any(table in statement for table in MERE_RECORDS)
        if counts and statement.lstrip().upper().startswith(WRITES):
            self.commits()

    def commits(self, *_):
        if get_ident() != self.thread:
            return
        self.left -= 1
        if self.left < 0:
            raise Killed


@asynccontextmanager
async def plugged():
    plug = Plug()
    hooks = (
        (Engine, "before_cursor_execute", plug.writes),
        (Engine, "commit", plug.commits),
        (Pool, "connect", plug.opens),
    )
    for hook in hooks:
        event.listen(*hook)
    try:
        with suppress(Killed):
            yield plug
    finally:
        for hook in hooks:
            event.remove(*hook)
        # A dead process holds no locks.
        for connection in plug.opened:
            await connection.close()


@asynccontextmanager
async def server(home, provider, monkeypatch, **more):
    monkeypatch.setattr(http_client, "ProviderHttp", partial(HONEST, transport=provider))
    oidc = OpenIDConnect(issuer=ISSUER, client_id=CLIENT, client_secret=Secret(SECRET))
    app = make_app(home, settings=make_settings(home, oauth=OAuthSettings(oidc=oidc), **more))
    async with browse(app) as client:
        client.app, client.provider = app, provider
        async with running(app):
            yield client


@pytest.mark.parametrize(
    "flow",
    FLOWS if os.environ.get("ZENITH_TEST_KILL_ALL") else MOST_TO_LOSE,
    ids=lambda flow: flow.__name__,
)
async def test_nothing_is_half_done(flow, tmp_path, monkeypatch):
    provider, person, steps = FakeProvider(), flow(), 0
    async with server(tmp_path / "before", provider, monkeypatch) as client:
        await person.prepare(client)
    plug = None
    while plug is None or plug.left < 0:
        home, then, answer = tmp_path / str(steps), flow(), None
        shutil.copytree(tmp_path / "before", home)
        then.__dict__.update(person.__dict__)
        codes = dict(provider.codes)
        async with plugged() as plug, server(home, provider, monkeypatch) as client:
            plug.left = steps
            answer = await then.step(client)
        assert plug.left < 0 or answer.status_code < 400, answer.text
        async with server(home, provider, monkeypatch) as client:
            await then.after(client)
        provider.codes = codes
        steps += 1
    assert steps > 1
