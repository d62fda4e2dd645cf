"""Second factors in Chromium, passkeys with its virtual authenticator."""

from __future__ import annotations

import pytest

from tests.browser.conftest import check, submit
from tests.mfa.people import code_for

FACTORS = "/account/factors"
PLATFORM = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

OFFERED = "document.querySelector('form[data-passkey]')?.hidden === false"
"""The page is there, and its script has shown the way by passkey."""


class Authenticator:
    """What holds passkeys, as the browser's debugger simulates it."""

    def __init__(self, session, key):
        self.session, self.key = session, key

    async def call(self, verb, **more):
        return await self.session.send(f"WebAuthn.{verb}", {"authenticatorId": self.key, **more})

    async def credentials(self):
        return (await self.call("getCredentials"))["credentials"]


async def authenticator(page, **options):
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made = await session.send(
        "WebAuthn.addVirtualAuthenticator", {"options": {**PLATFORM, **options}}
    )
    return Authenticator(session, made["authenticatorId"])


async def add_passkey(page, site, name="My laptop"):
    await page.goto(f"{site.url}{FACTORS}/passkeys/new")
    await page.locator("#name").fill(name)
    await page.get_by_role("button", name="Make the passkey").click()
    await page.locator(".codes").wait_for()


async def sign_out(page):
    await page.get_by_role("navigation").get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/account/sign-in**", wait_until="commit")


@pytest.fixture
def member(open_page, site, enter, request):
    async def begin(**options):
        email = site.member(f"{request.node.name}@example.org", "Grace")
        page = await open_page(**options)
        await enter(page, email)
        return page, email

    return begin


async def test_a_passkey_is_added_and_signs_in_alone(member, site, axe):
    page, email = await member()
    device = await authenticator(page)
    await page.goto(f"{site.url}{FACTORS}/passkeys/new")
    await check(page, axe)
    await add_passkey(page, site)
    assert await page.locator(".codes li").count() == 10
    await check(page, axe)
    (held,) = await device.credentials()
    assert held["isResidentCredential"]
    assert held["rpId"] == "localhost"
    await page.goto(f"{site.url}{FACTORS}")
    assert "My laptop" in await page.get_by_role("main").inner_text()
    await check(page, axe)

    await device.call("setAutomaticPresenceSimulation", enabled=False)
    await sign_out(page)
    await page.wait_for_function(OFFERED)
    await check(page, axe)
    # The browser offers the passkey beside the e-mail field, and its owner takes it at once.
    await device.call("setAutomaticPresenceSimulation", enabled=True)
    await page.reload(wait_until="commit")
    await page.wait_for_url(f"{site.url}/account/", timeout=10_000)
    assert await page.get_by_role("heading", level=1).inner_text() == "Grace"
    del email


async def test_a_passkey_as_second_step_and_its_clone(member, site, axe, enter):
    page, email = await member()
    # A second device that cannot verify its owner: good beside a password, not alone.
    device = await authenticator(
        page, transport="usb", hasResidentKey=False, hasUserVerification=False
    )
    await add_passkey(page, site, "Security key")
    await sign_out(page)
    await enter(page, email)
    assert page.url == f"{site.url}/sign-in/factor?next=%2Faccount%2F"
    await page.wait_for_function(OFFERED)
    await check(page, axe)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.wait_for_url(f"{site.url}/account/")
    (held,) = await device.credentials()
    assert held["signCount"] > 1

    await sign_out(page)
    clone = {**held, "signCount": 1}
    await device.call("removeCredential", credentialId=held["credentialId"])
    await device.call("addCredential", credential=clone)
    await enter(page, email)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("alert").wait_for()
    assert "That is not valid" in await page.get_by_role("alert").inner_text()


async def test_an_app_and_its_pages(member, site, axe, enter):
    page, email = await member(scripts=False)
    await page.goto(f"{site.url}{FACTORS}")
    await check_without_scripts(page)
    await page.get_by_role("link", name="Add an authenticator app").click()
    assert await page.locator("svg.qr").bounding_box()
    secret = await page.locator(".secret").text_content()
    await submit(page, "Add the app", code="000000")
    assert "That code is wrong" in await page.get_by_role("alert").inner_text()
    assert await page.locator(".secret").text_content() == secret
    await submit(page, "Add the app", code=code_for(secret))
    code = await page.locator(".codes li").first.inner_text()
    await page.get_by_role("navigation").get_by_role("button", name="Sign out").click()
    await enter(page, email)
    await submit(page, "Sign in", totp=code_for(secret, steps=1))
    assert page.url == f"{site.url}/account/"
    await page.get_by_role("navigation").get_by_role("button", name="Sign out").click()
    await enter(page, email)
    await page.get_by_text("Use a recovery code").click()
    await submit(page, "Sign in with the code", recovery_code=code)
    assert page.url == f"{site.url}/account/"


async def check_without_scripts(page):
    assert await page.get_by_role("heading", level=1).count() == 1
