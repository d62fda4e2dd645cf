"""The API documentation in a real browser: it works, breaks no policy and asks nobody else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.services.forked import serve_application
from tests.services.process import free_port

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(
    event.effectiveDirective + " " + event.blockedURI + " " + event.sourceFile));
"""


class Watch:
    """What a page complains of and whom it asks."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        self.hosts = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.context.on("request", self._request)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _request(self, request):
        address = urlsplit(request.url)
        if address.scheme != "data":
            self.hosts.add(address.netloc)

    async def clean(self, *allowed):
        assert await self.page.evaluate("window.violations") == []
        assert self.complaints == []
        assert self.hosts <= {urlsplit(url).netloc for url in allowed}


@pytest.fixture(scope="module")
def servers(preloaded, tmp_path_factory):
    """The documentation and the authorization server, for all tests of this module."""
    running = []

    def start(name, **env):
        app, log = f"tests.browser.docs_application:{name}", tmp_path_factory.mktemp(name) / "log"
        running.append(serve_application(preloaded, app, port=free_port(), env=env, log=log))
        return running[-1].url

    elsewhere = start("elsewhere")
    yield start("app", AUTHORIZATION_SERVER=elsewhere), elsewhere
    for service in running:
        service.stop()


@pytest.mark.parametrize("path", ["/docs", "/unmarked"])
async def test_it_renders_and_calls_the_api(page, servers, path):
    docs, _ = servers
    watch = Watch(page)
    await page.add_init_script(WATCH)
    response = await page.goto(docs + path)
    assert "script-src 'nonce-" in response.headers["content-security-policy"]
    operation = page.locator(".opblock", has_text="/open")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.locator("input").fill("2")
    await operation.get_by_role("button", name="Execute").click()
    await operation.locator(".live-responses-table", has_text="84").first.wait_for()
    await page.wait_for_load_state("networkidle")
    await watch.clean(docs)
    # The watch itself works: what the policy forbids is seen.
    await page.evaluate("document.body.append(document.createElement('iframe'))")
    await page.evaluate("document.querySelector('iframe').src = 'https://example.com/'")
    await page.wait_for_function("window.violations.length > 0")


async def test_title_is_text(page, servers):
    docs, _ = servers
    watch = Watch(page)
    await page.add_init_script(WATCH)
    await page.goto(docs + "/docs")
    await page.locator(".opblock").first.wait_for()
    assert "<script>fail()</script>" in await page.title()
    # And the page is as light or dark as everything else on the screen.
    for scheme, shown in (("dark", "html.dark-mode"), ("light", "html:not(.dark-mode)")):
        await page.emulate_media(color_scheme=scheme)
        await page.locator(shown).wait_for(state="attached")
    await watch.clean(docs)


async def test_address_in_the_link_is_ignored(page, servers):
    docs, elsewhere = servers
    watch = Watch(page)
    await page.add_init_script(WATCH)
    await page.goto(f"{docs}/docs?url={elsewhere}/openapi.json&configUrl={elsewhere}/config.json")
    await page.locator(".opblock", has_text="/books").wait_for()
    await watch.clean(docs)


async def test_sign_in_window_returns_its_token(page, servers):
    docs, elsewhere = servers
    watch = Watch(page)
    await page.add_init_script(WATCH)
    await page.goto(docs + "/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    modal = page.locator(".modal-ux")
    async with page.expect_popup() as opened:
        await modal.get_by_role("button", name="Apply given OAuth2 credentials").click()
    popup = await opened.value
    if not popup.is_closed():
        await popup.wait_for_event("close")
    await modal.get_by_role("button", name="Remove authorization").wait_for()
    await modal.get_by_role("button", name="Close").last.click()
    operation = page.locator(".opblock", has_text="/books")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    await operation.locator(
        ".live-responses-table", has_text="Bearer token-of-the-fake-server"
    ).first.wait_for()
    await watch.clean(docs, elsewhere)


async def test_changes_can_be_tried_while_signed_in_by_cookie(open_page, site, enter):
    """The page proves with each change that it sent it; its policy stays strict."""
    page = await open_page()
    await enter(page, site.member("docs@example.org"))
    await page.goto(f"{site.url}/docs")
    operation = page.locator(".opblock-post", has_text="/auth/api-keys").first
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.locator("textarea").fill('{"name": "tried"}')
    await operation.get_by_role("button", name="Execute").click()
    await operation.locator(".live-responses-table", has_text='"key": "zk_').first.wait_for()
    assert await page.evaluate("window.violations") == []
