"""The proof of work on the sign-in page, with and without JavaScript."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio

from tests.browser.conftest import submit
from tests.console.visitor import PASSWORD


@pytest.fixture
def guarded_site(fresh_site):
    """A server where an address needs a proof after two failures."""
    site = fresh_site(ZENITH_ABUSE__ADDRESS_PROOF_AFTER="2", ZENITH_ABUSE__PROOF_NUMBERS="20000")
    visitor = site.visitor()
    visitor.set_up(site.link, site.admin)
    visitor.client.close()
    return site


@pytest_asyncio.fixture(loop_scope="session")
async def failing(open_page, guarded_site):
    """Brings a page to where the proof is asked for."""

    async def begin(*, times: int = 1, **options):
        page = await open_page(**options)
        await page.goto(f"{guarded_site.url}/account/sign-in")
        for _ in range(times):
            await submit(page, "Sign in", email=guarded_site.admin, password="wrong one")
        return page

    return begin


async def test_the_browser_works_its_way_in(failing, guarded_site):
    page = await failing(times=3)
    assert "Too many attempts" in await page.get_by_role("alert").inner_text()
    status = page.locator(".proof [role=status]")
    await status.get_by_text(re.compile("The work is done")).wait_for()
    assert await page.locator(".proof progress").is_hidden()
    assert await page.evaluate("window.violations") == []
    await submit(page, "Sign in", password=PASSWORD)
    assert page.url == f"{guarded_site.url}/account/"

    # The form may be sent before the work is done: it goes by itself then.
    page = await failing()
    await submit(page, "Sign in", password=PASSWORD)
    await page.wait_for_url(f"{guarded_site.url}/account/")

    # Without scripts the page says how long to wait.
    page = await failing(scripts=False, width=360, scheme="dark")
    assert "Wait 10 minutes" in await page.locator(".proof [role=status]").inner_text()
    await submit(page, "Sign in", password=PASSWORD)
    assert "Too many attempts" in await page.get_by_role("alert").inner_text()
