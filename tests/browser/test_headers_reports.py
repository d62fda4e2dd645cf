"""The page of reports, without JavaScript, for everybody."""

from __future__ import annotations

import json

import httpx

from tests.browser.conftest import check

KINDS = ("img-src", "script-src-elem", "font-src", "style-src-attr", "frame-src")


async def test_the_page_of_reports(open_page, site, enter, axe):
    reports = [
        {
            "type": "csp-violation",
            "url": f"{site.url}/shop/basket/{number}",
            "body": {
                "effectiveDirective": kind,
                "blockedURL": f"https://a-host-with-a-long-name-{kind}.example/x",
                "disposition": "report",
                "sourceFile": f"{site.url}/static/with/a/long/path/to/the/script.js",
            },
        }
        for number, kind in enumerate(KINDS)
        for _ in range(number + 1)
    ]
    sent = {"content": json.dumps(reports), "headers": {"Content-Type": "application/reports+json"}}
    async with httpx.AsyncClient(base_url=site.url) as client:
        assert (await client.post("/browser-reports", **sent)).status_code == 204
    page = await enter(await open_page(scripts=True))
    await page.goto(f"{site.url}/admin/accounts")
    await page.get_by_role("link", name="Reports", exact=True).click()
    assert page.url == f"{site.url}/admin/reports"
    assert await page.get_by_role("img", name="Reports by day").count() == 1
    await check(page, axe)
    row = page.get_by_role("row", name="frame-src")
    assert "5" in await row.inner_text()
    assert "/shop/basket/*" in await row.inner_text()
    await page.get_by_role("button", name="Forget all").click()
    assert "All reports are forgotten" in await page.get_by_role("status").inner_text()
