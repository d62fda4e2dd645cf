"""The guide's functions against cross-site scripting."""

from __future__ import annotations

from examples.guide.content import Profile, sanitize_html

LINK = '<a href="https://a.example/" rel="nofollow ugc noopener noreferrer">www.a.example</a>'


async def test_sanitize_html_leaves_the_guides_tags():
    """In the guide the text of scripts stays, and there is no limit to what is read."""
    assert sanitize_html("<p><em onclick=x>a</em><script>alert(1)</script><h1>b") == (
        "<p><em>a</em></p>b"
    )
    shown = sanitize_html("<p>www.a.example")
    assert shown == f"<p>{LINK}</p>".replace("https://a.", "https://www.a.")
    assert "javascript" not in sanitize_html('<a href="java\tscript:alert(1)">x</a>')


async def test_a_profile_is_encoded(guide):
    """Escaping, which is all that the guide does to it, leaves a website that is a script."""
    async with guide.app.models.open():
        for website in ("javascript:alert(1)", "https://a.example/?b=1&c=2"):
            await Profile.create(
                name="<b>Ada</b>", bio="<p>x<script>alert(1)</script>", website=website
            )
    bad, good = [(await guide.client.get(f"/user/{n}/profile")).json() for n in (1, 2)]
    assert bad == {"name": "&lt;b&gt;Ada&lt;/b&gt;", "bio": "<p>x</p>", "website": ""}
    assert good["website"] == "https://a.example/?b=1&amp;c=2"
    assert (await guide.client.get("/user/3/profile")).status_code == 404


async def test_what_cannot_be_sanitized_is_invalid_input(guide):
    """The guide has no limit."""
    headers = await guide.csrf()
    answer = await guide.client.post(
        "/comments", json={"content": "<ul><li>" * 11_000}, headers=headers
    )
    assert answer.status_code == 422
    assert (await guide.client.get("/comments/7")).status_code == 404
