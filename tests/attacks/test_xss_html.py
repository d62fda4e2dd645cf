"""An attacker writes HTML that runs a script in the page of whoever reads it: scripts, handlers,
addresses, styles, foreign elements, and mutations, which are harmless when they are sanitized and
something else once the browser has read them again (ASVS 1.3.1, 1.3.5). An independent parser finds
nothing in what is left, and sanitizing once more changes nothing; tests/browser shows the same to
Chromium.
"""

from __future__ import annotations

import html as standard

import pytest

from tests.content.strict import dangers, fixtures
from zenith.content import (
    ARTICLE,
    BASIC,
    COMMENT,
    EMAIL,
    SafeHTML,
    escape,
    linkify,
    markdown_to_html,
    sanitize_html,
)

PROFILES = {"basic": BASIC, "comment": COMMENT, "article": ARTICLE, "email": EMAIL}


def test_the_second_opinion_finds_what_there_is_to_find():
    found = [html for html in fixtures() if dangers(html, BASIC)]
    assert len(found) > 80
    assert dangers("<a href='&#1;java\tscript:x'>", BASIC)
    assert not dangers('<p>x</p><a href="/x" rel="nofollow">y</a>', BASIC)


@pytest.mark.parametrize("name", PROFILES)
def test_nothing_that_runs_is_left(name):
    profile = PROFILES[name]
    for html in fixtures():
        left = sanitize_html(html, profile=profile)
        assert dangers(left, profile) == [], html
        assert sanitize_html(left, profile=profile) == left, html


@pytest.mark.parametrize("name", PROFILES)
def test_nothing_is_left_of_two_fixtures_within_each_other(name):
    """Half of one inside of another: what one leaves may complete the other."""
    profile = PROFILES[name]
    given = fixtures()
    for first, second in zip(given, given[7:] + given[:7], strict=True):
        middle = len(first) // 2
        for html in (first[:middle] + second + first[middle:], f'<p title="{first}">{second}'):
            left = sanitize_html(html, profile=profile)
            assert dangers(left, profile) == [], html
            assert sanitize_html(left, profile=profile) == left, html


def test_what_was_escaped_stays_escaped():
    """Unescaping once more on the way is the application's mistake, and still of one layer only."""
    assert sanitize_html("&lt;script&gt;hit(1)&lt;/script&gt;") == (
        "&lt;script&gt;hit(1)&lt;/script&gt;"
    )
    assert sanitize_html("&amp;lt;img&amp;gt;") == "&amp;lt;img&amp;gt;"


def test_text_made_into_links_carries_nothing_in():
    for html in fixtures():
        for content in (
            html,
            f"https://a.example/{html}",
            f"www.a.example/?q='{html}",
            f"x@{html}",
        ):
            assert dangers(linkify(content), BASIC) == [], html
        linked = linkify(sanitize_html(f"<p>https://a.example/?{html}</p>"))
        assert dangers(linked, BASIC) == [], html
        assert sanitize_html(linked) == linked, html


def test_markdown_carries_nothing_in():
    for html in fixtures():
        address = html.partition('href="')[2].partition('"')[0] or "javascript:hit(1)"
        texts = (
            html,
            f"# {html}",
            f"- {html}\n\n> {html}",
            f"`{html}`",
            f"[x]({address})",
            f"[x]: <{address}>\n\n[x] ![x]",
            f"<{address}>",
            f"![{html}]({address} '{html}')",
            f'[a](https://a.example/ "{standard.escape(html)}")',
            f"|{html}|\n|-|\n|{html}|",
        )
        for text in texts:
            assert dangers(markdown_to_html(text), ARTICLE) == [], text


def test_escaped_text_is_text():
    for html in fixtures():
        assert dangers(str(escape(html)), BASIC) == []
        assert dangers(f'<p title="{escape(html)}">x', ARTICLE) == ["p title="]


def test_a_value_is_marked_only_if_it_was_sanitized():
    for html in fixtures():
        assert dangers(SafeHTML(html).__html__(), BASIC) == []
        assert dangers(str(escape(SafeHTML("<em>x</em>") + html)), BASIC) == []
