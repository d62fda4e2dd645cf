"""Forms, scripts and htmx under the protection, and pages of other sites against it."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.conftest import EASY
from tests.console.visitor import PASSWORD, Visitor
from tests.services.forked import serve_application
from tests.services.process import free_port


@pytest.fixture(scope="module")
def server(preloaded, tmp_path_factory):
    """One process for all tests of this module."""
    home, port = tmp_path_factory.mktemp("forms"), free_port()
    app = f"http://app.test.localhost:{port}"
    env = {
        "ZENITH_HOME": str(home),
        "ZENITH_ORIGIN": app,
        "ZENITH_CORS__ORIGINS": f"http://friend.test.localhost:{port}",
        "ZENITH_CORS__CREDENTIALS": "true",
        **EASY,
    }
    name = "tests.browser.forms_application:application"
    service = serve_application(preloaded, name, port=port, env=env, log=home / "output.log")
    yield app
    service.stop()


async def received(server):
    # Not every resolver knows names below localhost; browsers do.
    port = server.rpartition(":")[2]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Host": server.removeprefix("http://")}
        return (await client.get("/received", headers=headers)).json()


async def test_the_recipes_work_under_the_policy(open_page, server):
    """The pages and the script are those of the how-to, letter for letter."""
    page = await open_page()
    await page.goto(f"{server}/feedback")
    await page.get_by_label("Text").fill("four")
    await page.get_by_role("button", name="Fetch").click()
    await page.get_by_role("button", name="Done").wait_for()
    await page.get_by_role("button", name="Send").click()
    await page.get_by_text("Received: 4").wait_for()

    await page.goto(f"{server}/htmx")
    await page.get_by_label("Text").fill("sixsix")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_text("Received: 6").wait_for()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_text("Deleted").wait_for()
    assert (await received(server))["texts"] == ["four", "four", "sixsix", "deleted 7"]
    assert await page.evaluate("window.violations") == []


async def test_nothing_of_another_site_gets_through(browser, server):
    """Whoever looks at the attack is signed in; a sister host's requests carry the cookies."""
    port = server.rpartition(":")[2]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        client.headers["Host"] = server.removeprefix("http://")
        visitor = Visitor(client)
        email = "victim@example.org"
        assert visitor.register(email).status_code == 303
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{server}/account/sign-in")
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(f"{server}/account/")
    before = await received(server)
    for attacker in ("evil.test.localhost", "stranger.localhost"):
        posted = await _attacked(page, f"http://{attacker}:{port}/?target={server}")
        # What scripts sent, not even they may see.
        assert posted == [403] * 4, "each form was answered with a refusal"
        assert (await received(server))["texts"] == before["texts"]
    await page.goto(f"{server}/account/")
    assert page.url == f"{server}/account/"
    await context.close()


async def _attacked(page, address):
    """The status of each answer to a POST that the browser let through to its page."""
    answers = []

    def note(answer):
        answers.append(answer)

    page.on("response", note)
    await page.goto(address)
    await page.wait_for_function("document.title === 'Sent'")
    page.remove_listener("response", note)
    return [answer.status for answer in answers if answer.request.method == "POST"]


async def test_what_the_policy_stops_is_reported(browser, server):
    context = await browser.new_context()
    page = await context.new_page()
    async with page.expect_request("**/browser-reports") as sent:
        await page.goto(f"{server}/image")
    answer = await (await sent.value).response()
    assert answer.status == 204
    found = (await received(server))["reports"]
    assert ["img-src", "https://nowhere.invalid", "/image"] in found
    await context.close()


CALL = """async server => {
  const call = async (path, options) => {
    try {
      const answer = await fetch(server + path, {credentials: "include", ...options});
      return [answer.status, await answer.text()];
    } catch { return ["nothing"]; }
  };
  const shown = (await call("/feedback"))[1] || "";
  const token = (/content="([A-Za-z0-9_.-]{20,})"/.exec(shown) || [])[1];
  const body = new URLSearchParams({text: "friend"});
  return [
    await call("/feedback", {method: "POST", body}),
    await call("/feedback", {method: "POST", body, headers: {"X-CSRF-Token": token || "guess"}}),
    await call("/feedback/7", {method: "DELETE", headers: {"X-CSRF-Token": token || "guess"}}),
    await call("/nowhere", {headers: {"Authorization": "Bearer x"}}),
  ];
}"""


async def test_a_page_that_may_call_reads_and_changes_with_a_token(browser, server):
    """Refusals too; by methods that the policy does not name it changes nothing."""
    port = server.rpartition(":")[2]
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"http://friend.test.localhost:{port}/blank")
    bare, changed, not_its_method, missing = await page.evaluate(CALL, server)
    assert (bare[0], "csrf_failed" in bare[1]) == (403, True)
    assert changed == [200, "<p>Received: 6</p>"]
    assert not_its_method == ["nothing"]
    assert missing[0] == 404
    before = await received(server)
    await page.goto(f"http://stranger.localhost:{port}/blank")
    assert await page.evaluate(CALL, server) == [["nothing"]] * 4
    assert (await received(server))["texts"] == before["texts"]
    await context.close()
