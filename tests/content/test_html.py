"""HTML: profiles, the type, links, Markdown, escaping."""

from __future__ import annotations

import contextlib
import copy
import pickle
import sys
import time
from importlib import import_module
from typing import Annotated

import markupsafe
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from zenith.content import (
    ARTICLE,
    BASIC,
    COMMENT,
    EMAIL,
    ContentError,
    HtmlProfile,
    SafeHTML,
    Sanitizer,
    escape,
    linkify,
    markdown_to_html,
    sanitize_html,
)
from zenith.kernel.errors import ConfigurationError

REL = 'rel="nofollow ugc noopener noreferrer"'


def link(href: str, text: str) -> str:
    return f'<a href="{href}" {REL}>{text}</a>'


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a<br><strong>b</strong> <em>c</em></p>", "<p>a<br><strong>b</strong> <em>c</em></p>"),
        ("<ul><li>1</ul><ol><li>2</ol>", "<ul><li>1</li></ul><ol><li>2</li></ol>"),
        ('<a href="https://a.example/" title="t" target="_top">x</a>', None),
        ("<h1>x</h1><img src=x>", "x"),
        ("a & b < c", "a &amp; b &lt; c"),
        ("<script>alert('XSS')</script>", ""),
        ("<style>p{}</style>x<!-- y -->", "x"),
        ("", ""),
    ],
)
def test_the_default_is_the_guides(html, left):
    expected = f'<a href="https://a.example/" title="t" {REL}>x</a>' if left is None else left
    assert sanitize_html(html) == expected


@pytest.mark.parametrize("profile", [COMMENT, ARTICLE, EMAIL])
@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<pre>\nx</pre>", "<pre>x</pre>"),
        ("<pre>\n\n\nx</pre>", "<pre>\n\n\nx</pre>"),
        ("<pre id=y><!-- z -->\nx</pre>", "<pre>\n\nx</pre>"),
        ("<pre><code>\nx</code></pre>", "<pre><code>\nx</code></pre>"),
        ("<p>&lt;pre&gt;\nx</p>", "<p>&lt;pre&gt;\nx</p>"),
    ],
)
def test_empty_lines_are_not_lost_however_often_it_is_sanitized(profile, html, left):
    assert sanitize_html(html, profile=profile) == left
    assert sanitize_html(left, profile=profile) == left


def test_marks_of_byte_order_do_not_lead():
    assert sanitize_html("<i>\ufeff\ufeff</i>x\ufeff") == "x\ufeff"


def test_classes_do_not_hide_the_first_line():
    profile = HtmlProfile(tags=("pre",), classes={"pre": ("x",)})
    html = '<pre class="x">\n\ny</pre>'
    assert Sanitizer(profile)(html) == html


def test_a_profile_decides_on_tags_classes_addresses_and_rel():
    profile = HtmlProfile(
        tags=("code", "a"),
        attributes={"a": ("href",)},
        classes={"code": ("language-python",)},
        url_schemes=("https",),
        relative_urls=False,
        rel="noopener",
    )
    html = '<code class="language-python x">a</code><a href="/b">c</a><a href="http://d.e">f</a>'
    assert Sanitizer(profile)(html) == (
        '<code class="language-python">a</code><a rel="noopener">c</a><a rel="noopener">f</a>'
    )


def test_articles_have_pictures_and_tables_and_mails_have_no_pictures():
    html = '<h2>x</h2><table><tbody><tr><td colspan="2">1</td></tr></tbody></table>'
    html += '<img src="/a.png" alt="b">'
    assert sanitize_html(html, profile=ARTICLE) == html
    assert "<img" not in sanitize_html(html, profile=EMAIL)
    assert "<table" in sanitize_html(html, profile=EMAIL)
    assert sanitize_html('<a href="/account">x</a>', profile=EMAIL) == (
        '<a rel="nofollow noopener noreferrer">x</a>'
    )
    # On a page of https, `https:account` is a path of that page's site.
    for path in ("https:account", "HTTPS:/account", " ht\ntp:account", "http:?x", "&#1;https:x"):
        assert "account" not in sanitize_html(f'<a href="{path}" title="t">x</a>', profile=EMAIL)
    for whole in ("https://example.org/https:x", "mailto:a@example.org", "http:\\\\example.org"):
        assert f'href="{whole}"' in sanitize_html(f'<a href="{whole}">x</a>', profile=EMAIL)
    assert sanitize_html("<pre><code>x</code></pre><h1>y</h1>", profile=COMMENT) == (
        "<pre><code>x</code></pre>y"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"tags": ("p", "script")},
        {"tags": ("svg",)},
        {"tags": ("form",)},
        {"tags": ("p",), "attributes": {"p": ("onclick",)}},
        {"tags": ("p",), "attributes": {"p": ("style",)}},
        {"tags": ("p",), "attributes": {"p": ("id",)}},
        {"tags": ("p",), "attributes": {"a": ("href",)}},
        {"tags": ("p",), "classes": {"a": ("x",)}},
        {"tags": ("p",), "url_schemes": ("javascript",)},
        {"tags": ("p",), "max_length": 0},
    ],
)
def test_a_profile_that_could_harm_is_refused(settings):
    with pytest.raises(ConfigurationError, match="content: "):
        HtmlProfile(**settings)


def test_text_that_is_too_long_or_broken_is_refused():
    with pytest.raises(ContentError) as caught:
        sanitize_html("x" * (BASIC.max_length + 1))
    assert (caught.value.fault, caught.value.status) == ("too_long", 422)
    with pytest.raises(ContentError) as caught:
        sanitize_html("\ud800")
    assert caught.value.fault == "half_character"
    assert isinstance(caught.value, ValueError)


TANGLES = {
    "formatting left open": "".join(f"<b id={n}>" for n in range(10_000)),
    "lists left open": "<ul><li>" * 11_000,
    "crossed": "".join(f"<b id={n}><div></b></div>" for n in range(3_000)),
    "capitals": "<UL><LI>" * 11_000,
    "attributes": "<p " + " ".join(f"a{n}" for n in range(15_000)) + ">x",
    "attributes, no end": "<p " + " ".join(f"a{n}" for n in range(15_000)),
    "no-break spaces": "\xa0" * 100_000,
    "ampersands": "&" * 100_000,
    "attributes with brackets": "<p " + " ".join(f'a{n}=">"' for n in range(9_000)) + ">x",
}


EVASIONS = {
    "quotes that swallow the end": '<b title="x>y</b><i title="z>w</i>' * 2_900,
    "quotes, numbered": "".join(f'<b t{n}="x>y</b><i t{n}="z>w</i>' for n in range(2_500)),
    "attributes around whole elements": "<p " + " ".join(f'a{n}="<b>></b>"' for n in range(6_000)),
    "attributes around tags": "<p " + " ".join(f'a{n}="<b></b>"' for n in range(6_000)) + ">",
    "ends of others": "".join(f"<b id={n}></i></u>" for n in range(5_000)),
    "tags in raw text": "<title><b></title>" * 5_000,
    "blocks in formatting": "".join(
        f"<b id={n}>{'<div>' * 9}</b>{'</div>' * 9}" for n in range(800)
    ),
    "text in tables": "<table>" + "x<b>y</b>" * 10_000,
    "formatting before paragraphs": "".join(f"<b id={n}>" for n in range(30)) + "<p>x" * 20_000,
    "halves of whole elements": "<b><i></i>" * 9_000,
    "an end that never comes": "<p>" + "<i></i>" * 13_000,
}


@pytest.mark.parametrize("name", EVASIONS)
def test_tricks_do_not_hide_what_keeps_the_parser_busy(name):
    began = time.process_time()
    with contextlib.suppress(ContentError):
        sanitize_html(EVASIONS[name][: BASIC.max_length])
    assert time.process_time() - began < 1


HIDDEN_ENDS = {
    "quotes": "<br a='</b>'>",
    "a comment that is none": "<!</b>",
    "a comment": "<!--></b>--></b>--><!--</b>-->",
    "raw text": "<title></b></title>",
    "a list of choices": "<select></b></select>",
    "styles of a picture": "<svg><style></b></style></svg>",
    "a script within a script": "<script><!--<script></script></b>--></script>",
    "an escape of XML": "<svg><![CDATA[x></b>]]></svg>",
}


@pytest.mark.parametrize("end", HIDDEN_ENDS.values(), ids=HIDDEN_ENDS)
def test_ends_that_no_browser_reads_close_nothing(end):
    html = "".join(f"<b id={n}>{end}" for n in range(10_000))[: ARTICLE.max_length]
    began = time.process_time()
    with contextlib.suppress(ContentError):
        sanitize_html(html, profile=ARTICLE)
    assert time.process_time() - began < 0.5


LONG = "x" * 20_000
COPIES = {
    "a title": f'<p><a title="{LONG}">x' + "<p>x" * 10_000,
    "an address": f"<p><a href=/{LONG}>x" + "<p>x" * 10_000,
    "few paragraphs": f'<p><a title="{LONG}">x' + "<p>x" * 900,
    "tags in its text": f'<p><a title="{LONG}{"<p>" * 9_000}">x' + "<p>x" * 10_000,
    "whole paragraphs": f'<p><a title="{LONG}">x</p>' + "<p>x</p>" * 9_000,
    "cells": f'<p><a title="{LONG}">x' + "<table><tr><td></p><p>x</table>" * 2_000,
    "its end in quotes": f"<p><a title='{LONG}'><br title='</a>'>x" + "<p>x" * 10_000,
    "its end in a comment": f"<p><a title='{LONG}'><!--</a>-->x" + "<p>x" * 10_000,
    "many names": "<p>" + "".join(f"<b id={n}>" for n in range(30)) + "<p>x" * 20_000,
}


@pytest.mark.parametrize("name", COPIES)
def test_formatting_left_open_is_not_written_again_without_bound(name):
    """A link that is left open is written again in each paragraph: 100 KiB made 600 MiB."""
    with pytest.raises(ContentError) as caught:
        sanitize_html(COPIES[name][: BASIC.max_length])
    assert caught.value.fault == "too_deep"


@pytest.mark.parametrize(
    "html",
    [
        f'<p><a href="/{LONG}">x</a></p>' + "<p>x</p>" * 5_000,
        f'<p title="{LONG}"><b>x</p>' + "<P>x" * 5_000,
        '<div><a href="/x"><div><h2>x</h2><p>y</p></div></a></div>' * 1_500,
        f"<p><a title='{LONG}'>x</a>" + "<p>x" * 5_000,
        "<!-- <b> -->" * 5_000,
        "<style><!-- p {} --></style><p>" + "<font color=red>x</font>" * 2_000,
    ],
)
def test_long_attributes_and_formatting_that_is_closed_are_taken(html):
    sanitize_html(html)


@pytest.mark.parametrize("name", TANGLES)
def test_html_that_would_keep_the_parser_busy_is_refused(name):
    began = time.process_time()
    with pytest.raises(ContentError) as caught:
        sanitize_html(TANGLES[name][: BASIC.max_length])
    assert caught.value.fault == "too_deep"
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "html",
    [
        "<p>a <strong>b</strong><br></p>" * 2_000,
        "<ul><li>x</li></ul>" * 3_000,
        "<" * 90_000,
        "<a" + "/" * 90_000,
        "x " * 40_000,
        "x>y " * 900,
        "</b>" * 9_000,
        "<p>" * 9_000,
        "<b><i>x</b></i>" * 40 + "<p>x</p>" * 2_000,
        "<DIV><B>x</B></DIV>" * 500,
    ],
)
def test_long_html_that_is_not_tangled_is_taken(html):
    began = time.process_time()
    sanitize_html(html)
    assert time.process_time() - began < 1


def test_the_type_sanitizes_and_marks_itself():
    html = SafeHTML("<p>x<script>hit(1)</script>")
    assert html == "<p>x</p>"
    assert html.__html__() == "<p>x</p>"
    assert type(html.__html__()) is str
    assert str(markupsafe.escape(html)) == "<p>x</p>"
    assert isinstance(sanitize_html("x"), SafeHTML)


def test_what_is_made_of_it_is_an_ordinary_string():
    html = SafeHTML("<p>x</p>")
    for made in (html + "<script>", html[1:], f"{html}<b>", html.upper(), "".join([*html])):
        assert type(made) is str
        assert not hasattr(made, "__html__")


def test_copies_are_what_they_were():
    html = sanitize_html("<h1>x</h1>", profile=ARTICLE)
    pickled = pickle.loads(pickle.dumps(html))  # noqa: S301  # our own
    for made in (copy.copy(html), copy.deepcopy(html), pickled):
        assert made == "<h1>x</h1>"
        assert type(made) is SafeHTML


class Heading(SafeHTML, profile=HtmlProfile(tags=("em",), max_length=50)):
    """A profile of its own."""


class SubHeading(Heading):
    """Inherits it."""


class Comment(BaseModel):
    """What is sent."""

    body: SafeHTML
    title: Annotated[SubHeading, "of the article"] = SubHeading("")


def test_a_field_is_sanitized_when_it_is_validated():
    comment = Comment.model_validate_json('{"body": "<p>x<img src=x>", "title": "<p><em>y"}')
    assert comment.model_dump() == {"body": "<p>x</p>", "title": "<em>y</em>"}
    assert isinstance(comment.body, SafeHTML)
    assert isinstance(comment.title, SubHeading)
    assert comment.model_dump_json() == '{"body":"<p>x</p>","title":"<em>y</em>"}'
    assert comment.model_copy(deep=True) == comment


def test_a_profile_is_inherited():
    class Line(SafeHTML, profile=HtmlProfile(tags=("b",))):
        pass

    class Shout(Line):
        pass

    assert Shout("<b>x</b><em>y</em>") == Line("<b>x</b>y") == "<b>x</b>y"


def test_a_larger_profile_does_not_slip_into_a_field():
    article = sanitize_html("<h1>x</h1>", profile=ARTICLE)
    assert Comment(body=article).body == "x"


def test_refusals_of_a_field_do_not_repeat_it():
    with pytest.raises(ValidationError) as caught:
        Comment(body="<ul><li>" * 11_000)
    (fault,) = caught.value.errors(include_input=False)
    assert (fault["type"], fault["loc"]) == ("too_deep", ("body",))
    with pytest.raises(ValidationError) as caught:
        Comment(body="x", title="y" * 51)
    assert caught.value.errors()[0]["type"] == "string_too_long"
    with pytest.raises(ValidationError):
        Comment.model_validate({"body": 5})


def test_the_schema_says_what_it_is():
    assert TypeAdapter(Heading).json_schema() == {
        "type": "string",
        "contentMediaType": "text/html",
        "maxLength": 50,
    }


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("see https://a.example/b.", f"see {link('https://a.example/b', 'https://a.example/b')}."),
        ("www.a.example", link("https://www.a.example/", "www.a.example")),
        (
            "(www.a.example/b_(c))",
            f"({link('https://www.a.example/b_(c)', 'www.a.example/b_(c)')})",
        ),
        ("x@a.example!", f"{link('mailto:x@a.example', 'x@a.example')}!"),
        ("http://a.b/?c=d&e=f", link("http://a.b/?c=d&amp;e=f", "http://a.b/?c=d&amp;e=f")),
        ("http://a.b/\u201d, <b>", f"{link('http://a.b/', 'http://a.b/')}\u201d, &lt;b&gt;"),
        ("http://\u0430\u0440\u0440\u04cf\u0435.com", link(*["http://xn--80ak6aa92e.com/"] * 2)),
        ("javascript:hit(1)", "javascript:hit(1)"),
        ("http://u:p@a.b/", "http://u:p@a.b/"),
        ("http://127.1/ http://0x7f.1", "http://127.1/ http://0x7f.1"),
        ("https://", "https://"),
        ("https://....", "https://...."),
        ("xhttps://a.b y@", "xhttps://a.b y@"),
        ("a@b", "a@b"),
        ("https://a.b/" + "c" * 3000, "https://a.b/" + "c" * 3000),
        ("'https://a.b/\"onclick=x", f"'{link('https://a.b/', 'https://a.b/')}\"onclick=x"),
        ("a\xa0b https://a.b", f"a&nbsp;b {link('https://a.b/', 'https://a.b')}"),
        ("", ""),
    ],
)
def test_addresses_in_text_become_links(text, linked):
    assert linkify(text) == linked


@pytest.mark.parametrize(
    ("html", "linked"),
    [
        ("<p>www.a.example</p>", f"<p>{link('https://www.a.example/', 'www.a.example')}</p>"),
        ("<p>x/http://c.d/&amp;e</p>", "<p>x/http://c.d/&amp;e</p>"),
        ("<p>http://c.d/&lt;b&gt;</p>", f"<p>{link('http://c.d/', 'http://c.d/')}&lt;b&gt;</p>"),
        ("<code>http://a.b</code><pre>x@y.example</pre>", None),
        ("<a href='http://a.b'>http://<em>a.b</em> x@y.example</a>", None),
        ('<a title="&quot;>http://x.y<" href="http://a.b">z</a>', None),
        ("<p>no address: @ you</p>", None),
        ("<p>nothing</p>", None),
    ],
)
def test_in_html_links_and_code_stay_as_they_are(html, linked):
    safe = sanitize_html(html, profile=COMMENT)
    found = linkify(safe)
    assert found == (safe if linked is None else linked)
    assert isinstance(found, SafeHTML)
    assert linkify(found) == found == sanitize_html(found, profile=COMMENT)


def test_a_profile_without_links_gets_none():
    profile = HtmlProfile(tags=("p",), url_schemes=("https",))
    safe = sanitize_html("<p>https://a.b</p>", profile=profile)
    assert linkify(safe, profile=profile) == "<p>https://a.b</p>"
    only = HtmlProfile(tags=("a",), attributes={"a": ("href",)}, url_schemes=("https",))
    assert linkify("http://a.b x@y.example", profile=only) == "http://a.b x@y.example"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a." * 50_000,
        "a@" * 50_000,
        "www." * 25_000,
        "https://" * 12_000,
        "x@" + "a." * 50_000,
        "https://" + "(" * 90_000,
        "https://a" + ")" * 90_000,
    ],
)
def test_no_text_keeps_the_search_for_addresses_busy(text):
    began = time.process_time()
    linkify(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** _b_ ~~c~~", "<p><strong>a</strong> <em>b</em> <s>c</s></p>\n"),
        ("# a", "<h1>a</h1>\n"),
        ("<b onclick=hit(1)>", "<p>&lt;b onclick=hit(1)&gt;</p>\n"),
        ("[a](javascript:hit(1))", "<p>[a](javascript:hit(1))</p>\n"),
        (
            "[a](https://b.c 'd')",
            '<p><a href="https://b.c" title="d" rel="noopener noreferrer">a</a></p>\n',
        ),
        ("`<x>`", "<p><code>&lt;x&gt;</code></p>\n"),
        ("|a|\n|-|\n|b|", None),
    ],
)
def test_markdown(text, html):
    found = markdown_to_html(text)
    assert isinstance(found, SafeHTML)
    assert found == html if html else "<td>b</td>" in found


def test_markdown_by_profile_and_of_bounded_length():
    assert markdown_to_html("# a", profile=BASIC) == "a\n"
    with pytest.raises(ContentError) as caught:
        markdown_to_html("x" * 11, max_length=10)
    assert caught.value.fault == "too_long"


def test_escape_shows_text_and_keeps_what_is_marked():
    assert escape('<a href="x">\'&') == "&lt;a href=&#34;x&#34;&gt;&#39;&amp;"
    assert escape(SafeHTML("<p>x</p>")) == "<p>x</p>"
    assert escape(5) == "5"


@pytest.mark.parametrize(("module", "library"), [("sanitizer", "nh3"), ("markdown", "markdown_it")])
def test_a_missing_library_is_named_with_its_extra(monkeypatch, module, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"zenith.content.{module}")
    with pytest.raises(ConfigurationError, match=r"zenith-security\[content\]"):
        import_module(f"zenith.content.{module}")
