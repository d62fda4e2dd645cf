"""A person is led through the missing proof and back, with and without JavaScript."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.conftest import EASY, PASSWORD, check, submit
from tests.console.visitor import Visitor


@pytest.fixture
def vault(serve, tmp_path, free_port):
    port = free_port()
    environment = {
        **EASY,
        "ZENITH_ENV": "test",
        "ZENITH_HOME": str(tmp_path),
        "ZENITH_ORIGIN": f"http://127.0.0.1:{port}",
    }
    return serve("tests.browser.vault_application:app", env=environment, port=port).url


async def test_the_way_through_the_proof_and_back(open_page, axe, vault):
    for scripts in (True, False):
        page = await open_page(scripts=scripts)
        email = f"grace{scripts}@example.org"
        visitor = Visitor(httpx.Client(base_url=vault, timeout=30))
        visitor.register(email)
        visitor.client.close()
        await page.goto(f"{vault}/account/sign-in")
        await submit(page, "Sign in", email=email, password=PASSWORD)
        await page.goto(f"{vault}/vault")
        assert await page.title() == "Vault"

        await page.goto(f"{vault}/age")
        await page.goto(f"{vault}/vault?drawer=2")
        heading = page.get_by_role("heading", level=1)
        assert await heading.inner_text() == "Confirm that it is you"
        if scripts:
            await check(page, axe)
        await submit(page, "Confirm", password="not the password")
        assert "The password is wrong" in await page.get_by_role("alert").inner_text()
        cookies = await page.context.cookies()
        await submit(page, "Confirm", password=PASSWORD)
        await page.wait_for_url(f"{vault}/vault?drawer=2")
        assert await page.title() == "Vault"
        assert await page.context.cookies() != cookies


async def test_devices_are_named_and_remembered(open_page, axe, site):
    page = await open_page()
    email = site.member("names@example.org")
    await page.goto(f"{site.url}/account/sign-in")
    await page.get_by_label("Stay signed in on this device for 30 days").check()
    await submit(page, "Sign in", email=email, password=PASSWORD)
    await page.locator("summary", has_text="Name it").click()
    await page.get_by_label("Name of this device").fill("Kitchen tablet")
    await page.get_by_role("button", name="Save").click()
    assert "Kitchen tablet" in await page.locator(".rows").inner_text()
    assert "remembered" in await page.locator(".rows").inner_text()
    await page.locator("summary", has_text="Name it").click()
    await check(page, axe)
