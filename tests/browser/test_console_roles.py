"""Roles are made, given, taken away and removed by an administrator, without JavaScript; and what
each role may call is a page that everybody can read.
"""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import _axe_finds_nothing, check, submit
from zenith.cli import routes

ROLE = "editor-of-the-quarterly"


async def test_a_role_from_its_making_to_its_end(open_page, axe, site, enter):
    email = site.member("writer@example.org")
    page = await enter(await open_page(scripts=False))
    await page.get_by_role("link", name="Admin", exact=True).click()
    await page.get_by_role("link", name="Roles", exact=True).click()
    await submit(
        page,
        "Make the role",
        name=ROLE,
        description="Writes what is read once in three months",
        permissions="articles:write:own\narticles:*\n" + "very.long.segment" * 4 + ":read",
        level="15",
    )
    await page.goto(f"{site.url}/admin/roles")
    assert ROLE in await page.get_by_role("table").inner_text()
    # With scripts, which the checker of accessibility is.
    seeing = await enter(await open_page())
    await seeing.goto(f"{site.url}/admin/roles")
    await check(seeing, axe)
    await seeing.get_by_role("link", name=ROLE).click()
    await check(seeing, axe)

    await page.goto(f"{site.url}/admin/accounts")
    await page.get_by_role("row", name=email).get_by_role("link", name="Roles").click()
    await page.locator("#role").select_option(ROLE)
    await page.locator("#hours").select_option("24")
    await page.get_by_role("button", name="Give the role").click()
    held = page.get_by_role("region", name="What the account holds")
    assert ROLE in await held.inner_text()
    await seeing.goto(page.url)
    await check(seeing, axe)

    await page.get_by_role("button", name=f"Take away {ROLE}").click()
    assert ROLE not in await held.inner_text()
    await page.goto(f"{site.url}/admin/roles/{ROLE}")
    await submit(page, "Save", permissions="posts:!")
    assert "no permission" in await page.get_by_role("alert").inner_text()
    await page.goto(f"{site.url}/admin/roles/{ROLE}")
    await page.get_by_role("button", name="Delete the role").click()
    assert ROLE not in await page.get_by_role("table").inner_text()


async def test_who_may_call_what_as_a_page(open_page, axe, tmp_path, monkeypatch):
    monkeypatch.setenv("ZENITH_SECRET_KEY", "R0utes-k3y-f0r-th3-t3sts-0nly-abcdefghijk")
    target = Path(tmp_path, "routes.html")
    routes.routes("examples.plain_fastapi:app", html=target)
    page = await open_page()
    await page.goto(target.as_uri())
    await _axe_finds_nothing(page, axe)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.emulate_media(color_scheme="dark")
    await _axe_finds_nothing(page, axe, {"runOnly": ["color-contrast", "target-size"]})
    assert await page.get_by_role("table").count() == 1
