"""The administrator's page, without JavaScript."""

from __future__ import annotations

from tests.browser.conftest import PASSWORD, submit


async def test_lock_and_unlock(open_page, site, enter):
    email = site.member("mallory@example.org")
    user = await enter(await open_page(), email)
    assert user.url == f"{site.url}/account/"
    admin = await enter(await open_page(scripts=False))
    await admin.get_by_role("link", name="Admin", exact=True).click()
    assert "you" in await admin.get_by_role("row", name=site.admin).inner_text()
    await admin.get_by_label("Part of an e-mail address").fill(email[:10])
    await admin.get_by_role("button", name="Search").click()
    row = admin.get_by_role("row", name=email)
    assert "open" in await row.inner_text()
    assert await admin.get_by_role("row", name=site.admin).count() == 0
    await row.get_by_role("button", name="Lock").click()

    assert "The account is locked" in await admin.get_by_role("status").inner_text()
    assert await admin.input_value("#search") == email[:10]
    assert "locked" in await row.inner_text()
    await user.goto(f"{site.url}/account/password")
    assert user.url == f"{site.url}/account/sign-in?next=/account/password"
    await submit(user, "Sign in", email=email, password=PASSWORD)
    # The same words as for a wrong password: a stranger learns nothing of the account.
    assert "E-mail or password is wrong" in await user.get_by_role("alert").inner_text()

    await row.get_by_role("button", name="Unlock").click()
    assert "can sign in again" in await admin.get_by_role("status").inner_text()
    await submit(user, "Sign in", password=PASSWORD)
    assert user.url == f"{site.url}/account/password"


async def test_nobody_else_gets_there(open_page, site, enter):
    page = await enter(await open_page(), site.member("plain@example.org"))
    assert await page.get_by_role("link", name="Admin", exact=True).count() == 0
    answer = await page.goto(f"{site.url}/admin/accounts")
    assert answer.status == 403
    assert await page.get_by_role("heading", level=1).inner_text() == "Permission denied"
    await page.get_by_role("link", name="Back to the start page").click()
    assert page.url == f"{site.url}/account/"
