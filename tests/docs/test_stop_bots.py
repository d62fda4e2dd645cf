"""What the pages about programs and bans say happens, happens."""

from __future__ import annotations

from tests.docs.test_how_to import page, served
from zenith.abuse.bans import Bans

__all__ = ["page"]


async def test_a_form_that_asks_for_work(page):
    names = page("stop-bots.md")
    async with served(names["app"]) as client:
        refused = await client.post("/contact", data={"text": "hi"})
        assert (refused.status_code, refused.json()["code"]) == (429, "proof_of_work_required")
        headers = names["answer_for"](refused.json())
        answer = await client.post("/contact", data={"text": "hi"}, headers=headers)
        assert answer.json() == {"message": "Thank you"}
        assert 'data-action="contact"' in (await client.get("/contact")).text
        bot = await client.post("/comments", data={"text": "hi", "homepage": "x"})
        assert bot.json() == {"message": "Thank you"}


async def test_a_ban_by_code(page):
    app = page("ban.md")["app"]
    bans = app.assembly.services[Bans]
    async with served(app) as client:
        assert (await client.get("/healthz")).status_code == 200
        await bans.ban("127.0.0.1", reason="a test", seconds=60)
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()["code"]) == (403, "banned")
        assert answer.headers["retry-after"] == "60"
        assert "x-request-id" in answer.headers
