"""Pages of API keys."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import update

from tests.accounts.application import (
    ORIGIN,
    OTHER_PASSWORD,
    browse,
    make_administrator,
    make_settings,
    running,
)
from tests.console.visitor import TOKEN, errors
from zenith.accounts import Client
from zenith.api_keys import Actor
from zenith.cli.accounts import operator
from zenith.console import create_server
from zenith.kernel.principal import Principal
from zenith.stores.sql.schema import api_keys

OWN, ALL = "/account/keys", "/admin/keys"
KEY = re.compile(r'id="secret"[^>]*>(zk_[0-9A-Za-z]{61})<')
ROW = re.compile(r'action="(/(?:account|admin)/keys/([0-9a-f]+)/(rotate|revoke))"')


def made(answer) -> str:
    found = KEY.search(answer.text)
    assert found, errors(answer) or answer.text[-800:]
    return unescape(found.group(1))


def make(visitor, page=OWN, **fields):
    return visitor.send(page, {"name": "export", "days": "30", **fields}, form=page)


def accepted(house, key) -> int:
    headers = {"X-API-Key": key, "Accept": "application/json"}
    return house.visitor().get("/auth/api-keys", headers=headers).status_code


def test_a_key_is_made_shown_once_rotated_and_revoked(house, member) -> None:
    assert "No keys yet" in member.get(OWN).text
    assert 'href="/account/keys"' in member.get("/account/").text
    answer = make(member, scopes=["api_keys:write"], further="posts:read comments:read")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    key = made(answer)
    assert accepted(house, key) == 200
    page = member.get(OWN).text
    assert key not in page
    assert key[:15] in page
    for scope in ("api_keys:write", "posts:read", "comments:read"):
        assert f'<span class="tag">{scope}</span>' in page
    (rotate, _, _), (revoke, _, _) = ROW.findall(page)
    successor = made(member.send(rotate, form=OWN))
    assert accepted(house, successor) == accepted(house, key) == 200
    assert ">rotated<" in member.get(OWN).text
    answer = member.send(revoke, form=OWN)
    assert answer.headers["location"] == "/account/keys?notice=key-revoked"
    assert accepted(house, key) == 401
    assert accepted(house, successor) == 200
    assert ">revoked<" in member.get(OWN).text
    again = member.send(rotate, form=OWN)
    assert again.status_code == 409
    assert "rotated or revoked" in errors(again)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": " "}, "Give the key a name"),
        ({"further": "users:write"}, "not yours to hand on"),
        ({"further": "a::b"}, "Write scopes as words"),
        ({"days": "3000"}, "lives for at most"),
        ({"thumbprint": "abc"}, "43 characters"),
    ],
)
def test_what_cannot_be_made_is_explained(member, fields, complaint) -> None:
    answer = make(member, **fields)
    assert answer.status_code == 422
    assert complaint in errors(answer)
    assert "No keys yet" in member.get(OWN).text


def test_a_key_is_bound_to_a_public_key(house, member) -> None:
    answer = make(member, thumbprint=" " + "A" * 43)
    assert "Authorization: DPoP" in answer.text
    assert accepted(house, made(answer)) == 401
    assert ">bound<" in member.get(OWN).text


def test_names_are_text(member) -> None:
    answer = make(member, name="<script>alert(1)</script>")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_the_pages_are_for_the_signed_in(anybody, member) -> None:
    for path in (OWN, ALL):
        answer = anybody.get(path, follow_redirects=False)
        assert answer.status_code in (303, 401)
    assert member.get(ALL).status_code == 403
    assert "Everybody" not in member.get(OWN).text


def test_administrators_see_everybodys_keys(house, member) -> None:
    make(member, name="a members export")
    ada = house.ada
    page = ada.get(ALL).text
    assert "a members export" in page
    assert member.email in page
    assert 'href="/admin/keys"' in ada.get(OWN).text
    key_id = page[page.index("a members export") :]
    revoke = ROW.search(key_id)
    assert revoke
    assert revoke.group(3) == "revoke"
    answer = ada.send(revoke.group(1), form=ALL)
    assert answer.headers["location"] == "/admin/keys?notice=key-revoked"
    assert ">revoked<" in member.get(OWN).text


def test_administrators_make_keys_of_services(house) -> None:
    ada = house.ada
    key = made(make(ada, ALL, name="billing", further="posts:read"))
    assert accepted(house, key) == 403
    page = ada.get(ALL).text
    assert "a service" in page
    rotate = next(path for path, _, kind in ROW.findall(page) if kind == "rotate")
    assert made(ada.send(rotate, form=ALL)) != key
    refused = make(ada, ALL, name="")
    assert refused.status_code == 422


def test_long_lists_have_pages(house, monkeypatch) -> None:
    monkeypatch.setattr("zenith.console.key_pages.PAGE", 2)
    owner = house.visitor().join("many.keys@example.org")
    for _ in range(5):
        assert make(owner).status_code == 200
    ada = house.ada
    first = ada.get(ALL).text
    following = re.search(r'href="(/admin/keys\?after=[^"]+)" rel="next"', first)
    assert following
    second = ada.get(unescape(following.group(1))).text
    assert "First page" in second
    seen = [{each for _, each, _ in ROW.findall(page)} for page in (first, second)]
    assert len(seen[0]) == len(seen[1]) == 2
    assert seen[0] & seen[1] == set()
    assert ada.get(ALL, params={"after": "nonsense"}).status_code == 200
    assert "No more keys" in ada.get(ALL, params={"after": "0.0_x"}).text


def test_where_keys_are_off_there_are_no_pages(open_house) -> None:
    house = open_house(ZENITH_API_KEYS="off")
    visitor = house.visitor().join("nobody@example.org")
    assert visitor.get(OWN).status_code == 404
    assert "/account/keys" not in visitor.get("/account/").text


async def test_the_pages_in_this_thread(tmp_path, monkeypatch) -> None:
    """What the visitors above do, where coverage can see it."""
    monkeypatch.setattr("zenith.console.key_pages.PAGE", 2)
    app = create_server(make_settings(tmp_path))
    async with running(app), browse(app, headers={"Accept": "text/html"}) as client:
        await make_administrator(app)

        async def send(path, form, **fields):
            token = unescape(TOKEN.search((await client.get(form)).text)[1])
            headers = {"Origin": ORIGIN}
            data = {"csrf_token": token, **fields}
            return await client.post(path, data=data, headers=headers)

        entered = {"email": "root@example.org", "password": OTHER_PASSWORD}
        signed_in = await send("/account/sign-in", "/account/sign-in", **entered)
        assert signed_in.status_code == 303, signed_in.text
        for page in (OWN, ALL):
            for _ in range(3):
                assert made(await send(page, page, name="x", further="posts:read,a:b"))
            refused = await send(page, page, name="")
            assert refused.status_code == 422
            shown = (await client.get(page)).text
            paths = {kind: path for path, _, kind in ROW.findall(shown) if path.startswith(page)}
            assert made(await send(paths["rotate"], page))
            revoked = await send(paths["revoke"], page)
            assert revoked.headers["location"] == f"{page}?notice=key-revoked"
        text = (await client.get(ALL)).text
        following = re.search(r'href="(/admin/keys\?after=[^"]+)"', text)
        assert "First page" in (await client.get(unescape(following[1]))).text
        assert (await client.get(ALL, params={"after": "x"})).status_code == 200
        expired = app.assembly.database
        await expired.count(update(api_keys).values(expires_at=1.0))
        assert ">expired<" in (await client.get(OWN)).text


def test_a_key_is_made_for_a_tenant_of_ones_own(open_house) -> None:
    house = open_house(ZENITH_TENANTS__HEADER="X-Tenant")
    ada, assembly = house.ada, house.app.assembly
    visitor = house.visitor().join("keys@example.org")
    assert 'name="tenant"' not in visitor.get(OWN).text
    account = house.run(house.accounts.store.by_email("keys@example.org"))
    grant = house.accounts.assignments.grant
    house.run(grant(operator(assembly), account.id, "user", tenant="acme", client=Client.local()))
    page = visitor.get(OWN).text
    assert '<option value="acme">acme</option>' in page
    assert '<option value="">outside of all tenants</option>' in page
    answer = make(visitor, tenant="bolt")
    assert answer.status_code == 422
    assert "does not belong to this tenant" in errors(answer)
    key = made(make(visitor, tenant="acme"))
    for path, reader in ((OWN, visitor), (ALL, ada)):
        assert '<span class="tag">in acme</span>' in reader.get(path).text
    assert 'name="tenant"' not in ada.get(ALL).text
    kept = house.run(assembly.api_keys.own(_as(account.id)))
    assert [(each.prefix, each.tenant) for each in kept] == [(key[:15], "acme")]


def _as(account_id: str) -> Actor:
    return Actor(principal=Principal(subject=account_id), owner_id=account_id, address="")
