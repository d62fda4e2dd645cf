"""The documentation's Authorize button works with what the schema says of credentials."""

from __future__ import annotations

import httpx
import pytest

EMAIL = "ada@example.org"
PASSWORD = "quartz lantern 7 otter plum"


@pytest.fixture
def server(serve, tmp_path, free_port):
    port = free_port()
    environment = {
        "ZENITH_ENV": "test",
        "ZENITH_HOME": str(tmp_path),
        "ZENITH_ORIGIN": f"http://127.0.0.1:{port}",
        "ZENITH_PASSWORDS__PROFILE": "testing",
        "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
    }
    return serve("tests.browser.accounts_application:app", env=environment, port=port).url


async def test_a_token_typed_into_authorize_opens_the_route(page, server):
    body = {"email": EMAIL, "password": PASSWORD}
    async with httpx.AsyncClient(base_url=server) as client:
        assert (await client.post("/auth/register", json=body)).status_code == 201
        token = (await client.post("/auth/login", json=body)).json()["access_token"]
    await page.goto(f"{server}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    modal = page.locator(".modal-ux")
    await modal.get_by_label("bearer-value").or_(modal.locator("input").first).first.fill(token)
    await modal.get_by_role("button", name="Apply credentials").first.click()
    await modal.get_by_role("button", name="Close").last.click()
    operation = page.locator(".opblock", has_text="/mine")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    await operation.locator(".live-responses-table", has_text=EMAIL).first.wait_for()
    # A public route shows no lock.
    assert (
        await page.locator(".opblock", has_text="/auth/login").locator("svg.unlocked").count() == 0
    )
