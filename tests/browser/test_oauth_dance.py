"""People who sign in with a real provider, link it, confirm with it and unlink it, in a browser."""

from __future__ import annotations

import sys

import pytest

from tests.browser.conftest import PASSWORD, check, start, submit
from tests.oauth.provider import SECRET
from tests.services.process import free_port

PROVIDER = (sys.executable, "-m", "tests.oauth.provider")


@pytest.fixture(scope="module")
def dance(services, preloaded, tmp_path_factory):
    """A server whose people have accounts at a provider."""
    port = free_port()
    env = {"AUTHLIB_INSECURE_TRANSPORT": "1"}
    provider = services.command((*PROVIDER, str(port)), port=port, env=env)
    given = {
        "ZENITH_OAUTH__OIDC__ISSUER": f"http://localhost:{port}",
        "ZENITH_OAUTH__OIDC__CLIENT_ID": "zenith",
        "ZENITH_OAUTH__OIDC__CLIENT_SECRET": SECRET,
        "ZENITH_OAUTH__OIDC__LABEL": "Example",
    }
    service, site = start(preloaded, tmp_path_factory.mktemp("dance"), given)
    yield site
    service.stop()
    provider.stop()


async def allow(page, email, answer="Allow"):
    """On the provider's own page."""
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name=answer).click()


async def test_signing_up_with_a_provider_without_scripts(open_page, dance):
    page = await open_page(scripts=False)
    await page.goto(f"{dance.url}/account/")
    await page.get_by_role("link", name="Continue with Example").click()
    email = "new@example.org"
    await allow(page, email)
    await page.wait_for_url(f"{dance.url}/account/")
    assert email in await page.locator("main").inner_text()
    await page.get_by_role("link", name="Linked identities").click()
    assert email in await page.locator(".rows").inner_text()
    await page.get_by_role("button", name="Unlink").click()
    assert "set a password first" in await page.get_by_role("alert").inner_text()


async def test_refusals_are_pages_that_say_what_to_do(open_page, dance):
    page = await open_page()
    taken = dance.member("mailbox@example.org")
    for email, answer, text in (
        ("no@example.org", "Deny", "You may try again"),
        (taken, "Allow", "Sign in to it, then link"),
    ):
        await page.goto(f"{dance.url}/account/sign-in")
        await page.get_by_role("link", name="Continue with Example").click()
        await allow(page, email, answer)
        await page.get_by_text(text).wait_for()


async def test_linking_and_unlinking(open_page, dance, axe):
    page = await open_page()
    email = dance.member("linking@example.org")
    await page.goto(f"{dance.url}/account/sign-in")
    await check(page, axe)
    await submit(page, "Sign in", email=email, password=PASSWORD)
    await page.goto(f"{dance.url}/account/identities")
    await page.get_by_role("button", name="Link Example").click()
    await allow(page, "elsewhere@example.org")
    await page.get_by_role("status").wait_for()
    assert "From now on it signs you in" in await page.get_by_role("status").inner_text()
    assert "elsewhere@example.org" in await page.locator(".rows").inner_text()
    await check(page, axe)
    await page.get_by_role("button", name="Unlink").click()
    await page.get_by_role("status").wait_for()
    assert "None yet" in await page.locator("main").inner_text()
