"""The audit log in a browser: searched and verified, with and without JavaScript."""

from __future__ import annotations

from tests.browser.conftest import check


async def test_search_open_and_verify_without_scripts(open_page, site, enter):
    page = await enter(await open_page(scripts=False))
    await page.get_by_role("link", name="Admin", exact=True).click()
    await page.get_by_role("link", name="Audit log").click()
    assert page.url == f"{site.url}/admin/audit"
    await page.get_by_label("Who or what").fill(site.admin)
    await page.get_by_label("Event", exact=True).select_option(label="Successful login")
    await page.get_by_role("button", name="Search").click()
    assert "type=LOGIN_SUCCESS" in page.url
    await page.get_by_role("link", name="Successful login").first.click()
    assert "password" in await page.get_by_text("Proven by").locator("..").inner_text()
    await page.goto(f"{site.url}/admin/audit/verification")
    await page.get_by_role("button", name="Verify").click()
    for _ in range(50):
        if "nothing was changed" in await page.content():
            break
        await page.goto(f"{site.url}/admin/audit/verification")
    assert "nothing was changed, removed or added" in await page.content()


async def test_the_page_shows_the_end_by_itself(open_page, axe, site, enter):
    page = await enter(await open_page())
    await page.goto(f"{site.url}/admin/audit/verification")
    await page.get_by_role("button", name="Verify").click()
    await page.get_by_text("nothing was changed, removed or added").wait_for()
    await check(page, axe)
