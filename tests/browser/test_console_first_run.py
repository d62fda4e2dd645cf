"""The first-run link creates the administrator, once."""

from __future__ import annotations

from tests.browser.conftest import PASSWORD, check, submit


async def test_the_link_makes_one_administrator(open_page, axe, fresh_site):
    site = fresh_site()
    page, other = await open_page(), await open_page()
    await page.goto(site.link)
    await other.goto(site.link)
    # The secret has left the address, so neither history nor bookmarks keep it.
    assert page.url == f"{site.url}/setup"
    await check(page, axe)
    await submit(
        page,
        "Create the administrator",
        email="ada@example.org",
        password=PASSWORD,
        repeated="something else entirely",
    )
    assert "The passwords differ" in await page.get_by_role("alert").inner_text()
    assert await page.title() == "Error: Set up · Zenith"
    assert await page.input_value("#email") == "ada@example.org"
    await submit(page, "Create the administrator", password=PASSWORD, repeated=PASSWORD)
    assert "administrator is ready" in await page.get_by_role("status").inner_text()

    await submit(page, "Sign in", email="ada@example.org", password=PASSWORD)
    assert page.url == f"{site.url}/account/"
    assert await page.get_by_text("super admin").is_visible()
    assert await page.get_by_role("link", name="Admin", exact=True).is_visible()

    # A second holder of the link comes too late, with the form open and with the link anew.
    await submit(
        other,
        "Create the administrator",
        email="eve@example.org",
        password=PASSWORD,
        repeated=PASSWORD,
    )
    assert "not valid any more" in await other.inner_text("main")
    assert (await other.goto(site.link)).status == 403
    assert (await other.goto(f"{site.url}/setup")).status == 403
