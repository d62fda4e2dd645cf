"""The strength of a new password, shown while it is typed."""

from __future__ import annotations

import pytest

from tests.browser.conftest import submit
from tests.console.visitor import PASSWORD

PAGES = {"register": "/account/register", "change": "/account/password"}


@pytest.mark.parametrize("which", PAGES)
async def test_the_page_says_what_to_improve(open_page, site, enter, which):
    page = await open_page(width=360, scheme="dark" if which == "change" else "light")
    if which == "change":
        await enter(page)
    await page.goto(site.url + PAGES[which])
    field = page.locator("input[autocomplete=new-password]").first
    part = page.locator(".strength")
    status = part.get_by_role("status")
    assert await part.is_hidden()
    sent = []

    def note(request) -> None:
        sent.append(request.url)

    page.on("request", note)

    await field.fill("password1")
    await status.get_by_text("Very weak. Use at least 15 characters.").wait_for()
    assert "too common" in await status.inner_text()
    assert await part.locator("meter").evaluate("meter => meter.value") == 1
    await field.fill(PASSWORD)
    await status.get_by_text("Strong.").wait_for()
    assert await part.locator("meter").evaluate("meter => meter.value") == 5
    await field.fill("")
    await part.wait_for(state="hidden")

    assert set(sent) == {f"{site.url}/account/password-strength"}
    assert await page.evaluate("window.violations") == []


async def test_without_scripts_the_answer_says_the_same(open_page, site):
    page = await open_page(scripts=False)
    await page.goto(f"{site.url}/account/register")
    assert await page.locator(".strength").is_hidden()
    await submit(page, "Create the account", email="weak@example.org", password="password1")
    alert = await page.get_by_role("alert").inner_text()
    assert "Use at least 15 characters" in alert
    assert "too common" in alert
