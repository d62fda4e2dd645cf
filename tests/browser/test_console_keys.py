"""A key is made in a browser without scripts, copied with one click, and works."""

from __future__ import annotations

from tests.browser.conftest import check, submit


async def test_a_key_is_made_and_copied(open_page, axe, site, enter):
    page = await open_page()
    await enter(page, site.member(f"{'long' * 15}@{'keys' * 10}.org"))
    await page.goto(f"{site.url}/account/keys")
    await page.get_by_label("api_keys:write").check()
    await page.get_by_text("More", exact=True).click()
    await submit(page, "Make the key", name="nightly export", further="posts:read")
    await page.locator("#secret").click()
    key = await page.evaluate("getSelection().toString()")
    await check(page, axe)
    # The key decides, not the cookie that comes along.
    answer = await page.request.get(f"{site.url}/auth/api-keys", headers={"X-API-Key": key})
    assert answer.status == 200
    await page.goto(f"{site.url}/account/keys")
    await page.get_by_role("button", name="Revoke").click()
    await page.wait_for_url("**/account/keys?notice=key-revoked")
    refused = await page.request.get(f"{site.url}/auth/api-keys", headers={"X-API-Key": key})
    assert refused.status == 401
    await check(page, axe)
    await page.context.clear_cookies()
    await enter(page)
    await page.goto(f"{site.url}/admin/keys")
    assert await page.get_by_role("rowheader", name="nightly export").count() > 0
    await check(page, axe)


async def test_it_needs_no_scripts(open_page, site, enter):
    page = await open_page(scripts=False)
    await enter(page, site.member("plain.keys@example.org"))
    await page.goto(f"{site.url}/account/keys")
    await submit(page, "Make the key", name="nightly export")
    assert (await page.locator("#secret").inner_text()).startswith("zk_")
    await page.get_by_role("button", name="Rotate").click()
    assert (await page.locator("#secret").inner_text()).startswith("zk_")
