"""Every fixture in a real browser, sanitized: no script runs, however often it is read again."""

from __future__ import annotations

from tests.content.strict import fixtures
from zenith.content import (
    ARTICLE,
    BASIC,
    COMMENT,
    EMAIL,
    escape,
    linkify,
    markdown_to_html,
    sanitize_html,
)

WATCH = """<!doctype html><meta charset="utf-8"><script>
window.hits = [];
window.hit = number => window.hits.push(number);
window.alert = window.prompt = window.confirm = window.hit;
</script>"""
READ_AGAIN = """() => {
    for (const section of document.querySelectorAll("section")) {
        section.innerHTML = section.innerHTML;
        const other = new DOMParser().parseFromString(section.innerHTML, "text/html");
        section.innerHTML = other.body.innerHTML;
    }
    for (const each of document.querySelectorAll("section *"))
        for (const kind of ["mouseover", "focus", "animationstart", "toggle"])
            each.dispatchEvent(new Event(kind, {bubbles: true}));
}"""
FOUND = """() => {
    const bad = [];
    const safe = ["http:", "https:", "mailto:", "tel:", "about:", ":"];  // "#x" and "x" here
    for (const each of document.querySelectorAll("section *")) {
        if (each.namespaceURI !== "http://www.w3.org/1999/xhtml") bad.push(each.tagName);
        if (/^(script|style|iframe|object|embed|form|base|meta|link)$/i.test(each.tagName))
            bad.push(each.tagName);
        for (const {name} of each.attributes)
            if (/^on|^style$|^id$|^name$|^srcdoc$/i.test(name)) bad.push(name);
        if (each.href && !safe.includes(each.protocol)) bad.push(each.href);
    }
    return bad;
}"""


def everything() -> list[str]:
    """What every way into a page leaves of every fixture."""
    left: list[str] = []
    for html in fixtures():
        profiles = (BASIC, COMMENT, ARTICLE, EMAIL)
        left += [sanitize_html(html, profile=profile) for profile in profiles]
        left += [linkify(html), linkify(sanitize_html(html)), markdown_to_html(html), escape(html)]
    return left


async def test_no_script_runs(page):
    await page.route("**/*", lambda route: route.abort())
    body = "".join(f"<section>{html}</section>" for html in everything())
    await page.set_content(WATCH + body)
    await page.evaluate(READ_AGAIN)
    await page.wait_for_timeout(200)
    assert await page.evaluate("window.hits") == []
    assert await page.evaluate(FOUND) == []
    assert await page.locator("section").count() == len(everything())


async def test_the_same_fixtures_run_as_they_are(page):
    """Else the test above would prove nothing."""
    await page.route("**/*", lambda route: route.abort())
    ran = 0
    await page.set_content(WATCH)
    for html in fixtures()[:40:2]:
        await page.set_content(WATCH + html)
        ran += await page.evaluate("window.hits?.length ?? 0") > 0
    assert ran > 5
