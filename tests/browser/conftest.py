"""The ready server for the browser, with an administrator; and a watch over every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.base import AxeResults

from tests.console.visitor import PASSWORD, Visitor
from tests.services.client import unmeasured
from tests.services.forked import Forked, Preloaded, wait_while_it_runs
from tests.services.process import accepts
from tests.services.process import free_port as find_free_port

EASY: Mapping[str, str] = {
    "ZENITH_PASSWORDS__PROFILE": "testing",
    "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
    "ZENITH_ACCOUNTS__REGISTER_LIMIT": "1000/minute",
    "ZENITH_ACCOUNTS__SIGN_IN_LIMIT": "1000/minute",
    "ZENITH_RATE_LIMITS__PER_ADDRESS": "10000/minute",
}
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(
    event.effectiveDirective + " " + event.blockedURI));
"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(246, 247, 252)", "rgb(11, 13, 22)"
LINK = re.compile(r"http://\S+/setup/\S+")


@dataclass(frozen=True)
class Site:
    """A running server."""

    url: str
    link: str
    """The first-run link that it printed."""
    admin: str = "ada@example.org"
    password: str = PASSWORD

    def visitor(self) -> Visitor:
        """Somebody who comes without a browser."""
        return Visitor(httpx.Client(base_url=self.url, timeout=30))

    def member(self, email: str, name: str = "") -> str:
        """Make an account."""
        visitor = self.visitor()
        assert visitor.register(email, name=name).status_code == 303
        visitor.client.close()
        return email


def start(
    preloaded: Preloaded, home: Path, env: Mapping[str, str] | None = None
) -> tuple[Forked, Site]:
    """`zenith serve` in a process of its own, once it listens and has printed its link."""
    port = find_free_port()
    given = {"PORT": str(port), "ZENITH_HOME": str(home), "PYTHONUNBUFFERED": "1", **EASY}
    home.mkdir(parents=True, exist_ok=True)
    service = Forked(
        *(preloaded, ["zenith", "serve"], {**unmeasured(), **given, **dict(env or {})}),
        home / "output.log",
        bare=True,
    )
    wait_while_it_runs(service, lambda: accepts(port) and LINK.search(service.log()) is not None)
    return service, Site(url=f"http://localhost:{port}", link=LINK.findall(service.log())[0])


@pytest.fixture
def fresh_site(preloaded, tmp_path) -> Any:
    """Starts servers that nobody has set up yet."""
    running = []

    def begin(**env: str) -> Site:
        service, site = start(preloaded, tmp_path / str(len(running)), env)
        running.append(service)
        return site

    yield begin
    for service in running:
        service.stop()


@pytest.fixture(scope="session")
def site(preloaded, tmp_path_factory) -> Any:
    """A server with an administrator, shared by the tests of this folder."""
    service, site = start(preloaded, tmp_path_factory.mktemp("site"))
    visitor = site.visitor()
    visitor.set_up(site.link, site.admin)
    visitor.client.close()
    yield site
    service.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser) -> Any:
    """Opens pages of profiles of their own: `await open_page(scripts=False, width=360, ...)`.

    At the end no page may have broken the policy or complained, but of answers it was to get.
    """
    contexts, complaints = [], []

    def note(message) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    async def begin(*, scripts: bool = True, width: int = 1280, scheme: str = "light", **options):
        context = await browser.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            reduced_motion="reduce",  # colours half-way between two schemes have no contrast
            **options,
        )
        contexts.append(context)
        await context.add_init_script(WATCH)
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield begin
    for context in contexts:
        await context.close()
    refusals = re.compile(r"Failed to load resource: .* status of (401|403|404|409|421|422|429)")
    assert [text for text in complaints if not refusals.match(text)] == []


@pytest.fixture
def enter(site) -> Callable[..., Any]:
    """Signs a page in: `await enter(page, email)`."""

    async def sign_in(page: Any, email: str = site.admin, password: str = PASSWORD) -> Any:
        await page.goto(f"{site.url}/account/sign-in")
        await submit(page, "Sign in", email=email, password=password)
        return page

    return sign_in


async def submit(page: Any, button: str, **fields: str) -> None:
    """Fill the form and press its button."""
    for name, value in fields.items():
        await page.locator(f"#{name}").fill(value)
    await page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
    await page.wait_for_load_state()


async def check(page: Any, axe: Any) -> None:
    """Everybody can use the page, in light and dark, on a desk and on a phone; it holds nothing
    inline and breaks no policy.
    """
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.emulate_media(color_scheme="light")
    await _axe_finds_nothing(page, axe)
    assert await page.evaluate(BACKGROUND) == LIGHT
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.emulate_media(color_scheme="dark")
    await _axe_finds_nothing(page, axe, {"runOnly": ["color-contrast", "target-size"]})
    assert await page.evaluate(BACKGROUND) == DARK
    needed = await page.evaluate("document.documentElement.scrollWidth")
    assert needed <= 360, f"{page.url} is wider than a phone"
    assert await page.locator("script:not([src]), style, [style], [onclick]").count() == 0
    assert await page.evaluate("window.violations") == []
    assert await page.evaluate("document.styleSheets.length") == 1
    assert await page.get_by_role("heading", level=1).count() == 1
    assert await page.get_by_role("main").count() == 1


async def _axe_finds_nothing(page: Any, axe: Any, options: Any = None) -> None:
    # Half a megabyte: once for each document, not for each look at it. What is well is not listed.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe.axe_script)
    wanted = {"resultTypes": ["violations"], **(options or {})}
    results = AxeResults(await page.evaluate("wanted => axe.run(wanted)", wanted))
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"
