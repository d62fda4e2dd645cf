"""Every page for everybody: axe, keyboard, small screens, light and dark, and nothing inline."""

from __future__ import annotations

from tests.browser.conftest import PASSWORD, check, submit

VISITOR = {
    "/": 200,
    "/account/sign-in?notice=signed-out": 200,
    "/account/register": 200,
    "/account/forgot": 200,
    "/outbox": 200,
    "/nowhere": 404,
    "/setup": 403,
}
MEMBER = {
    "/account/?notice=session-ended": 200,
    "/account/password": 200,
    "/account/sign-in": 200,
    "/account/keys": 200,
    "/account/factors/app": 200,
    "/account/email": 200,
    "/account/delete": 200,
    "/account/confirm": 200,
}
ADMIN = {
    "/admin/accounts": 200,
    "/admin/accounts?search=nobody": 200,
    "/admin/keys": 200,
    "/admin/bans": 200,
    "/admin/audit": 200,
    "/admin/audit?since=7d&type=LOGIN_SUCCESS&address=192.0.2.1": 200,
    "/admin/audit?type=LOGIN": 422,
    "/admin/audit/1": 200,
    "/admin/audit/verification": 200,
}


async def inspect(page, axe, site, pages):
    for path, status in pages.items():
        answer = await page.goto(site.url + path)
        assert answer.status == status, path
        await check(page, axe)


async def test_every_page_for_visitors(open_page, axe, site):
    page = await open_page()
    await inspect(page, axe, site, VISITOR)
    # Forms that were refused.
    await page.goto(f"{site.url}/account/register")
    await submit(page, "Create the account", name="N", email="n@example.org", password="short")
    await check(page, axe)
    await page.goto(f"{site.url}/account/sign-in")
    await submit(page, "Sign in", email="nobody@example.org", password="not the password")
    await check(page, axe)


async def test_every_page_for_members(open_page, axe, site, enter):
    page = await open_page()
    name = "A very long name without any end " * 3
    await enter(page, site.member(f"{'long' * 15}@{'example' * 7}.org", name))
    await inspect(page, axe, site, MEMBER)
    await page.goto(f"{site.url}/outbox")
    await page.locator(".rows a").first.click()
    await check(page, axe)
    await page.locator(".letter a").first.click()
    await page.get_by_role("button", name="Confirm the address").wait_for()
    await check(page, axe)


async def test_every_page_for_administrators(open_page, axe, site, enter):
    await inspect(await enter(await open_page()), axe, site, ADMIN)


async def test_keyboard_alone(open_page, site):
    page = await open_page()
    await page.goto(f"{site.url}/account/sign-in")
    seen = []
    for _ in range(9):
        await page.keyboard.press("Tab")
        seen.append(
            await page.evaluate(
                "(({textContent, id, name}) => textContent.trim() || id || name)"
                "(document.activeElement)"
            )
        )
        outline = await page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            "return [style.outlineStyle, parseFloat(style.outlineWidth)] }"
        )
        assert outline[0] == "solid", seen
        assert outline[1] >= 2, seen
        box = await page.locator(":focus").bounding_box()
        assert box["y"] >= 0, f"{seen[-1]} has the focus out of sight"
    assert seen == [
        "Skip to the content",
        "Zenith",
        "API",
        "Sign in",
        "email",
        "password",
        "Show what is typed",
        "remember",
        "Sign in",
    ]
    await page.locator("#email").focus()
    await page.keyboard.type(site.admin)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.url}/account/")

    # The skip link leads past the navigation.
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")
    assert page.url.startswith(f"{site.url}/account/")


async def test_a_foreign_host_gets_a_page_that_can_be_read(open_page, axe, site):
    page = await open_page()
    answer = await page.goto(site.url.replace("localhost", "foreign.localhost"))
    assert answer.status == 421
    assert await page.get_by_role("heading", level=1).inner_text() == "Unknown host"
    # Not even the style sheet is served under a name that is not ours.
    assert (await axe.run(page)).violations_count == 0
