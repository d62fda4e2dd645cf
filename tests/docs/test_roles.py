"""What the pages about roles say is so."""

from __future__ import annotations

import re

import httpx

from tests.docs.pages import Page
from tests.docs.test_how_to import HOW_TO, ORIGIN
from tests.docs.test_pages import run
from tests.docs.test_reference import REFERENCE
from zenith.accounts import Account
from zenith.kernel.permissions import Permissions

CODE = re.compile(r"`([^`]+)`")


async def test_an_audit_begins_and_ends_by_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    app = run(Page(HOW_TO / "change-roles-at-run-time.md"), monkeypatch)["app"]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        await client.get("/healthz")
        tokens = {}
        for name, role in (("olga", "owner"), ("rita", "reader")):
            account = Account(
                id=name, email=f"{name}@x.org", email_key=name, roles=(role,), created_at=1.0
            )
            await app.accounts.store.create(account)
            client_of = app.accounts.sessions
            session, _ = await client_of.start(
                name, kind="api", address="", user_agent="", factors={}
            )
            tokens[name] = (await app.accounts.grants.access(session)).token
        bearer = {name: {"Authorization": f"Bearer {each}"} for name, each in tokens.items()}
        refused = await client.post("/audits/rita", headers=bearer["rita"])
        before = await client.get("/audit", headers=bearer["rita"])
        given = await client.post("/audits/rita", headers=bearer["olga"])
        # Her token is refused from now on; a new one carries the role and its end.
        ended = await client.get("/audit", headers=bearer["rita"])
        (session,) = await app.accounts.sessions.list("rita")
        fresh = (await app.accounts.grants.access(session)).token
        after = await client.get("/audit", headers={"Authorization": f"Bearer {fresh}"})
    await app.middleware_stack.stop()
    assert (refused.status_code, before.status_code, ended.status_code) == (403, 403, 401)
    assert given.json() == {"given": True}
    assert after.status_code == 200


def test_wildcards_are_what_the_table_says():
    text = (REFERENCE / "roles.md").read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith("| granted")]
    for line in table.splitlines()[2:]:
        granted, allowed, denied = (CODE.findall(cell) for cell in line.strip("|").split(" | "))
        permissions = Permissions(granted)
        if granted[0].endswith(":own"):
            assert permissions.allow_own(allowed[0])
            assert not permissions.allow(denied[0])
            continue
        # The first name of a wildcard's cell is what it stands below.
        names = [name for name in allowed if ":" in name]
        assert all(map(permissions.allow, names))
        assert not any(map(permissions.allow, denied))
