"""Whatever is given to the engines of content, what they promise holds."""

from __future__ import annotations

import contextlib
import csv
import io
from urllib.parse import urljoin, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.content.strict import dangers, fixtures
from zenith.content import (
    ARTICLE,
    BASIC,
    COMMENT,
    EMAIL,
    UnsafeUrlError,
    UploadRefusedError,
    UploadSettings,
    UploadTypeError,
    check_file,
    clean_text,
    content_disposition,
    csv_lines,
    header_value,
    is_local_path,
    linkify,
    markdown_to_html,
    safe_url,
    sanitize_html,
)
from zenith.content.characters import has_hidden
from zenith.content.file_names import shown_name
from zenith.content.file_types import FILE_TYPES
from zenith.content.settings import TYPES

PIECES = st.sampled_from(
    [
        *"<>/=\"'`&;:# \t\n\x00\x0c()!-[]",
        "script",
        "svg",
        "math",
        "style",
        "p",
        "a",
        "img",
        "table",
        "mtext",
        "template",
        "noscript",
        "title",
        "select",
        "form",
        "<p>",
        "</p>",
        "<a href=",
        "<!--",
        "-->",
        "<svg>",
        "<math>",
        "<table>",
        "<style>",
        "</style>",
        "onerror=hit(1)",
        "javascript:",
        "data:text/html,",
        "&#x6a;",
        "&colon;",
        "&lt;",
        "&quot;",
        "<![CDATA[",
        "]]>",
        "\u2028",
        "https://a.example/",
        "x@a.example",
        "www.a.example",
        "**",
        "](",
        "![",
        "> ",
        "`",
        "|",
    ]
)
MARKUP = st.lists(PIECES | st.sampled_from(fixtures()) | st.text(max_size=4), max_size=12).map(
    "".join
)
ADDRESS = "htps:/\\@.?#%[]x0 1aevil\t\u0430\uff0f\u3002\u200b"
HERE = "https://app.example.org/account"


@given(MARKUP, st.sampled_from([BASIC, COMMENT, ARTICLE, EMAIL]))
@settings(max_examples=150)
def test_sanitized_html_is_within_its_profile_however_often_it_is_read(html, profile):
    """Paragraphs within paragraphs, left by a tag between them that went, are unfolded by whoever
    reads them next; after that nothing changes any more.
    """
    once = sanitize_html(html.encode("utf-8", "replace").decode(), profile=profile)
    twice = sanitize_html(once, profile=profile)
    assert dangers(once, profile) == dangers(twice, profile) == []
    assert sanitize_html(twice, profile=profile) == twice


@given(MARKUP)
@settings(max_examples=100)
def test_links_and_markdown_add_nothing_else(text):
    text = text.encode("utf-8", "replace").decode()
    assert dangers(linkify(text), BASIC) == []
    settled = sanitize_html(sanitize_html(text, profile=COMMENT), profile=COMMENT)
    linked = linkify(settled, profile=COMMENT)
    assert dangers(linked, COMMENT) == []
    assert sanitize_html(linked, profile=COMMENT) == linked
    assert dangers(markdown_to_html(text), ARTICLE) == []


@given(st.text(max_size=30), st.booleans())
def test_cleaned_text_holds_nothing_hidden_and_stays_as_it_is(text, multiline):
    text = text.encode("utf-8", "replace").decode()
    left = clean_text(text, hidden="remove", multiline=multiline)
    assert not has_hidden(left)
    assert clean_text(left, multiline=multiline) == left


@given(st.text(ADDRESS, max_size=20).map("http".__add__))
@settings(max_examples=200)
def test_safe_addresses_are_ascii_lead_to_one_host_and_stay_as_they_are(url):
    try:
        safe = safe_url(url)
    except UnsafeUrlError:
        return
    parts = urlsplit(safe)
    assert safe.isascii()
    assert safe.isprintable()
    assert parts.scheme in {"http", "https"}
    assert parts.hostname
    assert parts.username is None
    assert "@" not in parts.netloc
    assert "\\" not in safe
    assert safe_url(safe) == safe


@given(st.text("/\\:@.?#%25\t\r\n\x00 aefil\uff0f", max_size=14).map("/".__add__))
@settings(max_examples=200)
def test_local_paths_stay_on_this_host_for_whoever_reads_them(target):
    if is_local_path(target):
        browser = "".join(each for each in target if each not in "\t\r\n").replace("\\", "/")
        assert urlsplit(urljoin(HERE, browser)).netloc == "app.example.org"
        assert not browser.startswith("//")


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=3), max_size=4))
def test_no_cell_of_a_table_is_a_formula(rows):
    text = "".join(csv_lines(rows))
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            start = cell.lstrip("\ufeff\u200b \xa0")[:1]
            assert not start or start not in "=@|%\t\r\n" or cell.startswith("'")


@given(st.text(max_size=40))
def test_names_of_files_are_one_part_of_one_header(name):
    shown = shown_name(name, FILE_TYPES["pdf"])
    assert shown.endswith(".pdf")
    assert shown.count(".") == 1
    assert not set(shown) & set('/\\:*?"<>|\r\n\0')
    assert header_value(content_disposition(shown))
    assert header_value(content_disposition(name))


STARTS = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"%PDF-1.7",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"",
]


@given(st.sampled_from(STARTS), st.binary(max_size=120), st.sampled_from(TYPES))
@settings(max_examples=200)
def test_any_bytes_are_taken_or_refused_and_break_nothing(start, rest, kind):
    name = f"x.{FILE_TYPES[kind].extensions[0]}"
    with contextlib.suppress(UploadTypeError, UploadRefusedError):
        assert check_file(start + rest, name, UploadSettings(types=TYPES)).kind.name == kind
