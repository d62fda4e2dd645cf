"""People at their own accounts, with and without JavaScript."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PASSWORD, submit

AGENTS = {
    "desk": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "pocket": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit Safari/604.1",
}


@pytest.fixture
def two_browsers(open_page, site, enter, request):
    """One account in two browsers, of which one runs no scripts."""

    async def begin():
        email = site.member(f"{request.node.name}@example.org", "Grace")
        desk = await open_page(scripts=False, user_agent=AGENTS["desk"])
        pocket = await open_page(user_agent=AGENTS["pocket"])
        return await enter(desk, email), await enter(pocket, email), email

    return begin


async def is_out(page, site) -> bool:
    await page.goto(f"{site.url}/account/")
    return page.url.startswith(f"{site.url}/account/sign-in")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_registering_and_signing_in(open_page, site, scripts):
    page = await open_page(scripts=scripts)
    await page.goto(site.url)
    await page.get_by_role("link", name="Create an account").click()
    await submit(page, "Create the account", name="Grace", email="grace@", password=PASSWORD)
    if scripts:  # the browser itself refuses what is no address
        assert await page.locator("#email:invalid").count() == 1
    email = f"grace{scripts}@example.org"
    await submit(page, "Create the account", email=email, password="short")
    assert "Use at least 15 characters" in await page.get_by_role("alert").inner_text()
    assert await page.input_value("#name") == "Grace"
    assert await page.input_value("#email") == email
    assert await page.input_value("#password") == ""
    assert await page.evaluate("document.activeElement.id") == "errors"
    await submit(page, "Create the account", password=PASSWORD)
    assert "Look into your mailbox" in await page.get_by_role("status").inner_text()

    await submit(page, "Sign in", email=email, password="not the password")
    assert "E-mail or password is wrong" in await page.get_by_role("alert").inner_text()
    assert await page.input_value("#email") == email
    await submit(page, "Sign in", password=PASSWORD)
    assert page.url == f"{site.url}/account/"
    assert await page.get_by_role("heading", level=1).inner_text() == "Grace"

    await page.get_by_role("navigation").get_by_role("button", name="Sign out").click()
    assert "You are signed out" in await page.get_by_role("status").inner_text()
    assert await is_out(page, site)


async def test_an_address_that_has_an_account_looks_the_same(open_page, site):
    page = await open_page(scripts=False)
    await page.goto(f"{site.url}/account/register")
    await submit(page, "Create the account", email=site.admin, password="another fine long phrase")
    assert "Look into your mailbox" in await page.get_by_role("status").inner_text()


async def test_ending_the_other_session(site, two_browsers):
    desk, pocket, _ = await two_browsers()
    await desk.goto(f"{site.url}/account/")
    rows = desk.locator(".rows li")
    assert await rows.count() == 2
    assert "Firefox on Linux" in await rows.nth(0).inner_text()
    assert "this one" in await rows.nth(0).inner_text()
    assert "Safari on iPhone" in await rows.nth(1).inner_text()
    assert "this one" not in await rows.nth(1).inner_text()
    await rows.nth(1).get_by_role("button", name="End").click()
    assert "That session has ended" in await desk.get_by_role("status").inner_text()
    assert await rows.count() == 1
    assert await is_out(pocket, site)
    assert not await is_out(desk, site)


async def test_ending_all_others(site, two_browsers):
    desk, pocket, _ = await two_browsers()
    await pocket.goto(f"{site.url}/account/")
    await pocket.get_by_role("button", name="End all others").click()
    assert "All your other sessions" in await pocket.get_by_role("status").inner_text()
    assert await is_out(desk, site)
    assert not await is_out(pocket, site)
    assert await pocket.get_by_role("button", name="End all others").count() == 0


async def test_signing_out_everywhere(site, two_browsers):
    desk, pocket, _ = await two_browsers()
    await desk.get_by_role("button", name="Sign out everywhere").click()
    assert "on every device" in await desk.get_by_role("status").inner_text()
    assert await is_out(desk, site)
    assert await is_out(pocket, site)


async def test_changing_the_password(site, two_browsers, enter):
    desk, pocket, email = await two_browsers()
    new = "seven quiet lanterns sing"
    await desk.get_by_role("link", name="Change the password").click()
    button = "Change the password"
    await submit(desk, button, current="not my password at all", new=new, repeated=new)
    assert "current password is wrong" in await desk.get_by_role("alert").inner_text()
    await submit(desk, button, current=PASSWORD, new=new, repeated=new + "!")
    assert "The new passwords differ" in await desk.get_by_role("alert").inner_text()
    await submit(desk, button, current=PASSWORD, new="short", repeated="short")
    assert "Use at least 15 characters" in await desk.get_by_role("alert").inner_text()
    assert not await is_out(pocket, site)
    await desk.goto(f"{site.url}/account/password")
    await submit(desk, button, current=PASSWORD, new=new, repeated=new)
    assert "Your password is changed" in await desk.get_by_role("status").inner_text()
    assert await is_out(pocket, site)
    assert not await is_out(desk, site)
    await enter(pocket, email)
    assert "E-mail or password is wrong" in await pocket.get_by_role("alert").inner_text()
    await enter(pocket, email, new)
    assert pocket.url == f"{site.url}/account/"


async def test_the_way_back_after_signing_in(open_page, site):
    page = await open_page(scripts=False)
    await page.goto(f"{site.url}/admin/accounts")
    assert page.url == f"{site.url}/account/sign-in?next=/admin/accounts"
    await submit(page, "Sign in", email=site.admin, password="not the password")
    await submit(page, "Sign in", password=PASSWORD)
    assert page.url == f"{site.url}/admin/accounts"
    # Who is signed in already is told so, and may go on.
    await page.goto(f"{site.url}/account/sign-in?next=/account/password")
    await page.get_by_role("link", name="Go on").click()
    assert page.url == f"{site.url}/account/password"


async def test_a_password_can_be_looked_at_and_leaves_hidden(open_page, site):
    page = await open_page()
    await page.goto(f"{site.url}/account/sign-in")
    field, button = page.locator("#password"), page.get_by_role("button", name="Show")
    await field.fill("not the password")
    await button.click()
    assert await field.get_attribute("type") == "text"
    assert await page.evaluate("document.activeElement.id") == "password"
    await page.evaluate("document.forms[0].addEventListener('submit', e => e.preventDefault())")
    await submit(page, "Sign in", email=site.admin)
    assert await field.get_attribute("type") == "password"
    assert await button.is_visible()

    plain = await open_page(scripts=False)
    await plain.goto(f"{site.url}/account/sign-in")
    assert await plain.get_by_role("button", name="Show").count() == 0
