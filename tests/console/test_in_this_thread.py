"""What visitors do in the other files of this folder, once more where coverage can see it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.accounts.application import (
    ORIGIN,
    OTHER_PASSWORD,
    browse,
    make_administrator,
    make_settings,
    running,
)
from tests.accounts.mails import link_in, mailed
from tests.mfa.people import code_for
from zenith.abuse.bans import Bans
from zenith.abuse.challenges import (
    Challenges,
    ChallengeSettings,
    ProofProvider,
    SiteverifyProvider,
)
from zenith.accounts import Account
from zenith.console import create_server
from zenith.kernel.keys import Secret, new_id

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
SECRET = re.compile(r'<p class="secret">([A-Z2-7]+)</p>')
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
EMAIL = "root@example.org"
NEW = "another honest river of 7"


class Walker:
    """A browser without scripts."""

    def __init__(self, app, client):
        self.app, self.client = app, client

    async def get(self, path):
        return await self.client.get(path)

    async def send(self, path, form, **fields):
        token = unescape(TOKEN.search((await self.client.get(form)).text)[1])
        data = {"csrf_token": token, **fields}
        return await self.client.post(path, data=data, headers={"Origin": ORIGIN})

    async def sign_in(self, password=OTHER_PASSWORD, email=EMAIL):
        form = "/account/sign-in"
        answer = await self.send(form, form, email=email, password=password)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def newest(self, kind):
        mails = await mailed(self.app, kind=kind)
        return link_in(mails[-1]).removeprefix(ORIGIN)


@pytest.fixture
async def walker(tmp_path):
    app = create_server(make_settings(tmp_path))
    async with running(app), browse(app, headers={"Accept": "text/html"}) as client:
        await make_administrator(app)
        yield Walker(app, client)


async def test_second_factors(walker):
    await walker.sign_in()
    app, factors = "/account/factors/app", "/account/factors"
    page = (await walker.get(app)).text
    secret, ticket = SECRET.search(page)[1], TICKET.search(page)[1]
    wrong = await walker.send(app, app, ticket=ticket, code="000000")
    assert wrong.status_code == 422
    lost = await walker.send(app, app, ticket="x", code="000000")
    assert lost.headers["location"] == app
    added = await walker.send(app, app, ticket=ticket, code=code_for(secret))
    assert "authenticator app is added" in added.text
    assert (await walker.get(factors)).status_code == 200
    new = "/account/factors/passkeys/new"
    assert (await walker.get(new)).status_code == 200
    refused = await walker.send(new, new, credential="{}", name="x")
    assert refused.status_code == 422
    renewed = await walker.send(f"{factors}/recovery-codes", factors)
    assert renewed.status_code == 200
    for path in ("devices/end-all", "devices/unknown/end"):
        assert (await walker.send(f"{factors}/{path}", factors)).status_code == 303
    renamed = await walker.send(f"{factors}/passkeys/x/rename", factors, name="y")
    assert renamed.status_code == 404
    removed = await walker.send(f"{factors}/passkeys/x/remove", factors)
    assert removed.status_code == 404
    reset = await walker.send("/admin/accounts/unknown/reset-factors", "/admin/accounts")
    assert reset.headers["location"] == "/admin/accounts?notice=no-factors"
    await walker.send("/account/sign-out", "/account/")
    assert (await walker.sign_in()).startswith("/sign-in/factor")
    form = "/sign-in/factor"
    assert (await walker.get(form)).status_code == 200
    bad = await walker.send(form, form, factor="totp", proof="000000")
    assert bad.status_code == 422
    codes = re.findall(r'<li class="secret">([^<]+)</li>', renewed.text)
    finished = await walker.send(form, form, factor="recovery_code", proof=codes[0], trust="yes")
    assert finished.status_code == 303
    assert (await walker.send(f"{app}/remove", factors)).status_code == 303


async def test_mails(walker):
    assert (await walker.get("/account/forgot")).status_code == 200
    asked = await walker.send("/account/forgot", "/account/forgot", email=EMAIL)
    assert asked.headers["location"].endswith("reset-mailed")
    nonsense = await walker.send("/account/forgot", "/account/forgot", email="x" * 250)
    assert nonsense.status_code == 422
    link = await walker.newest("reset_password")
    assert (await walker.get(link)).status_code == 303
    reset = "/account/reset"
    assert (await walker.send(reset, reset, new="a", repeated="b")).status_code == 422
    done = await walker.send(reset, reset, new=NEW, repeated=NEW)
    assert done.headers["location"].endswith("password-reset")
    assert (await walker.get(link)).status_code == 400
    await walker.sign_in(NEW)
    form = "/account/email"
    assert (await walker.send(form, form, email="x", password=NEW)).status_code == 422
    new = "new@example.org"
    asked = await walker.send(form, form, email=new, password=NEW)
    assert asked.status_code == 303
    assert (await walker.get("/outbox")).status_code == 200
    mails = await mailed(walker.app)
    link = next(link_in(each) for each in mails if "/account/confirm-email/" in each.text)
    assert (await walker.get(link.removeprefix(ORIGIN))).status_code == 303
    confirm = "/account/confirm-email"
    assert (await walker.get(confirm)).status_code == 200
    pressed = await walker.send(confirm, confirm)
    assert pressed.headers["location"].endswith("email-changed")


async def test_an_end(walker):
    await walker.sign_in()
    copy = await walker.send("/account/export", "/account/delete")
    assert copy.headers["content-type"].startswith("application/json")
    form = "/account/delete"
    assert (await walker.send(form, form, password="wrong")).status_code == 422
    last = await walker.send(form, form, password=OTHER_PASSWORD)
    assert last.status_code == 409, "the last administrator stays"


async def test_roles(walker):
    await walker.sign_in()
    roles = "/admin/roles"
    assert (await walker.get(roles)).status_code == 200
    made = await walker.send(roles, roles, name="auditor", permissions="audit:read", level="")
    assert made.headers["location"] == "/admin/roles/auditor?notice=role-made"
    bad = await walker.send(roles, roles, name="other", level="high")
    assert bad.status_code == 422
    one = f"{roles}/auditor"
    assert (await walker.get(one)).status_code == 200
    changed = await walker.send(one, one, name="auditor", permissions="audit:*", level="7")
    assert changed.headers["location"] == f"{one}?notice=role-changed"
    assert (await walker.send(one, one, name="auditor", level="x")).status_code == 422
    assert (await walker.send(f"{roles}/none", one, name="none")).status_code == 404
    own = (await walker.app.accounts.store.by_email(EMAIL)).id
    held = f"/admin/accounts/{own}/roles"
    assert (await walker.send(held, held, role="auditor")).status_code == 409, "one's own"
    member = Account(id=new_id(), email="m@example.org", email_key="m@example.org", created_at=0.0)
    await walker.app.accounts.store.create(member)
    held = f"/admin/accounts/{member.id}/roles"
    granted = await walker.send(held, held, role="auditor", hours="1")
    assert granted.status_code == 303
    assert "auditor" in (await walker.get(held)).text
    assert (await walker.send(held, held, role="none")).status_code == 422
    revoked = await walker.send(f"{held}/revoke", held, role="auditor")
    assert revoked.status_code == 303
    left = await walker.app.accounts.assignments.of_account(member.id)
    assert [each.role for each in left] == ["user"]
    assert (await walker.send(f"{roles}/none/delete", one)).status_code == 404
    gone = await walker.send(f"{one}/delete", one)
    assert gone.status_code == 303
    assert (await walker.get(one)).status_code == 404


async def test_bans(walker):
    await walker.sign_in()
    form = "/admin/bans"
    made = await walker.send(form, form, target="203.0.113.7", reason="scans", hours="1")
    assert made.headers["location"].endswith("notice=banned")
    page = await walker.get(f"{form}?search=113&page=2")
    assert "First page" in page.text
    assert "203.0.113.7" in (await walker.get(form)).text
    for target, status in ((EMAIL, 409), ("nobody@example.org", 404), ("@", 422), ("x", 422)):
        answer = await walker.send(form, form, target=target, reason="why")
        assert answer.status_code == status
    account = await walker.app.accounts.store.by_email(EMAIL)
    await walker.send(form, form, target=EMAIL, reason="why", hours="1", force="1")
    assert (await walker.get("/account/")).status_code == 403
    service = walker.app.assembly.services[Bans]
    await service.lift(f"account:{account.id}")
    lifted = await walker.send(f"{form}/lift", form, target="203.0.113.7")
    assert lifted.headers["location"].endswith("notice=ban-lifted")
    key = await service.ban("api_key:none", reason="leaked")
    assert service.banned.of_subject("api_key", key.target.key) is not None
    await service.lift(key.target)


async def test_forms_that_ask(walker, monkeypatch):
    service = walker.app.assembly.services[Challenges]
    settings = ChallengeSettings(register="always", reset_password="always")
    monkeypatch.setattr(service, "_settings", settings)
    own = ProofProvider([Secret("k" * 20 + "0123456789abcdef")], numbers=50)
    monkeypatch.setattr(service, "provider", own)
    for path in ("/account/register", "/account/forgot"):
        assert "data-challenge=" in (await walker.get(path)).text
        refused = await walker.send(path, path, email="new@example.org", password=NEW)
        assert refused.status_code == 429
    other = ChallengeSettings(provider="turnstile", site_key="s", secret=Secret("s"))
    provider = SiteverifyProvider(other, hostnames=["localhost"])
    monkeypatch.setattr(service, "provider", provider)
    assert "cf-turnstile" in (await walker.get("/account/register")).text


async def test_reports(walker):
    await walker.sign_in()
    form = "/admin/reports"
    told = [{"type": "crash", "url": f"{ORIGIN}/account/", "body": {"reason": "oom"}}]
    sent = {"json": told, "headers": {"Content-Type": "application/reports+json"}}
    assert (await walker.client.post("/browser-reports", **sent)).status_code == 204
    assert "crash: oom" in (await walker.get(form)).text
    cleared = await walker.send(f"{form}/clear", form)
    assert cleared.headers["location"].endswith("notice=reports-cleared")
    assert "No browser has reported" in (await walker.get(form)).text
