"""Text: hidden characters, addresses, redirects, tables, headers, names."""

from __future__ import annotations

import csv
import io
import time
from decimal import Decimal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from zenith.content import (
    ContentError,
    PlainText,
    SafeUrl,
    UnsafeUrlError,
    clean_text,
    content_disposition,
    csv_cell,
    csv_lines,
    header_value,
    is_local_path,
    safe_redirect,
    safe_url,
)
from zenith.kernel.errors import ConfigurationError

KEPT = [
    "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \u05e9\u05dc\u05d5\u05dd",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f469\U0001f3fd\u200d\U0001f680",
    "\u2764\ufe0f 1\ufe0f\u20e3 \u00a9\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937",
    "\u8fbb\U000e0100 \u2139\ufe0f \u2194\ufe0f",
    "",
]
HIDDEN = [
    "a\x00b",
    "a\x1b[31mb",
    "a\x7fb",
    "a\x9bb",
    "a\u202eb",
    "a\u2066b",
    "a\u2069b",
    "a\u200bb",
    "a\u200eb",
    "a\u2060b",
    "a\ufeffb",
    "a\u00adb",
    "a\u200db",
    "a\u200cb",
    "a\ufe0fb",
    "a\u3164b",
    "a\U000e0041b",
    "a\U000e0100b",
    "a\ufffeb",
    "a\U0001fffeb",
    "a\U0010ffffb",
    "\u0430\u200d\u0431",
    "\u200da",
    "a\u034fb",
    "\ufe0fa",
    "\U0001f600\ufe0f\ufe0e",
    "a\u061cb",
    "a\ufe0f\u200d\U0001f308",
    "\ufe0f\u200d\U0001f308",
    "\u65e5\u200d\u672c",
    "\u05d0\u200c\u05d1",
    "\u0430\ufe0f",
    "\U000e0100",
    "\u0645\u200c",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_scripts_and_emoji_need_stays(text):
    assert clean_text(text) == text
    assert clean_text(text, hidden="remove") == text


@pytest.mark.parametrize("text", HIDDEN)
def test_what_cannot_be_seen_is_refused_or_removed(text):
    with pytest.raises(ContentError) as caught:
        clean_text(text)
    assert caught.value.fault == "hidden_characters"
    left = clean_text(text, hidden="remove")
    assert clean_text(left) == left
    assert len(left) < len(text)


def test_lines():
    with pytest.raises(ContentError):
        clean_text("a\nb")
    with pytest.raises(ContentError):
        clean_text("a\tb")
    assert clean_text("a\r\nb\tc\u2028d\re", hidden="remove") == "a b c d e"
    assert clean_text("a\r\nb\tc\u2028d\re", multiline=True) == "a\nb\tc\nd\ne"


def test_text_is_composed():
    assert clean_text("e\u0301") == "\u00e9"
    assert clean_text("e\u200b\u0301", hidden="remove") == "\u00e9"
    reordered = clean_text("\u0915\u200d\u094d\ufe0f\u0338", hidden="remove")
    assert reordered == clean_text(reordered) == "\u0915\u0338\u094d"


def test_half_characters_and_length():
    for hidden in ("refuse", "remove"):
        with pytest.raises(ContentError) as caught:
            clean_text("\udc80", hidden=hidden)
        assert caught.value.fault == "half_character"
    with pytest.raises(ContentError) as caught:
        clean_text("abc", max_length=2)
    assert caught.value.fault == "too_long"
    with pytest.raises(ContentError):
        clean_text("\ufb2c" * 2, max_length=3)  # composed, it is three characters each


class Bio(PlainText, hidden="remove", multiline=True, max_length=20):
    """Cleaned, of several lines."""


class ShortBio(Bio, max_length=5):
    """Shorter still."""


class Profile(BaseModel):
    """What is sent."""

    name: PlainText
    bio: Bio = Bio("")
    website: SafeUrl | None = None


def test_declarations_are_inherited():
    class Line(PlainText, hidden="remove"):
        pass

    class Word(Line, max_length=3):
        pass

    class Page(SafeUrl, schemes=("https",)):
        pass

    class OwnPage(Page):
        pass

    assert Word("a\u200bb") == "ab"
    assert Line("abcdef\n") == "abcdef "
    assert OwnPage("https://a.b") == "https://a.b/"
    assert OwnPage.schemes == Page.schemes
    with pytest.raises(ContentError):
        Word("abcd")


def test_fields_of_text():
    profile = Profile.model_validate({"name": "Ada", "bio": "a\u200b\r\nb"})
    assert (profile.name, profile.bio) == ("Ada", "a\nb")
    assert isinstance(profile.bio, Bio)
    assert isinstance(profile.name, PlainText)
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate({"name": "A\u202eda", "bio": "x" * 21})
    assert [each["type"] for each in caught.value.errors()] == [
        "hidden_characters",
        "string_too_long",
    ]
    assert ShortBio("a\nb") == "a\nb"
    with pytest.raises(ContentError):
        ShortBio("abcdef")


ADDRESSES = {
    "https://example.org": "https://example.org/",
    "HTTP://Example.ORG:80/a?b#c": "http://example.org/a?b#c",
    "https://example.org:8443": "https://example.org:8443/",
    "https://example.org.": "https://example.org/",
    "https://example.org?q": "https://example.org/?q",
    "https://stra\u00dfe.example/\u00fc?q=\u00fc": "https://xn--strae-oqa.example/%C3%BC?q=%C3%BC",
    "https://\u0430\u0440\u0440\u04cf\u0435.com": "https://xn--80ak6aa92e.com/",
    "https://xn--80ak6aa92e.com/": "https://xn--80ak6aa92e.com/",
    "https://192.0.2.1/": "https://192.0.2.1/",
    "https://\uff11\uff19\uff12.0.2.1/": "https://192.0.2.1/",
    "https://[2001:DB8::1]:443/": "https://[2001:db8::1]/",
    "https://my_host.example/%zz": "https://my_host.example/%zz",
    "mailto:ada@example.org": "mailto:ada@example.org",
    "mailto:a.b+c@example.org?subject=x&body=y": "mailto:a.b+c@example.org?subject=x&body=y",
}
UNSAFE = [
    "",
    "example.org",
    "/path",
    "//example.org",
    "https:",
    "https:example.org",
    "https:/example.org",
    "https:///example.org",
    "https://",
    "https://?x",
    "https://:443/",
    "https://example.org:0/",
    "https://example.org:65536/",
    "https://example.org:1:2/",
    "https://example.org:x/",
    "https://ada@example.org/",
    "https://ada:secret@example.org/",
    "https://example.org\\@evil.example/",
    "https:\\\\evil.example",
    " https://example.org",
    "https://example.org ",
    "https://exa mple.org",
    "https://exa\tmple.org",
    "https://example.org/\n",
    "https://exam\u200bple.org/",
    "https://example.org/\u202e",
    "java\nscript:hit(1)",
    "javascript:hit(1)",
    "JAVASCRIPT:hit(1)",
    "javascript://example.org/%0ahit(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://example.org/1",
    "ftp://example.org/",
    "tel:+49",
    "view-source:https://x.example",
    "https://0x7f.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://1.2.3.256/",
    "https://1.2.3.4.5/",
    "https://[::1",
    "https://[::1%25eth0]/",
    "https://[x]/",
    "https://a..b/",
    "https://-a.example/",
    "https://a-.example/",
    "https://%65xample.org/",
    "https://example.org\uff0fevil.example/",
    "https://example.org\u2044@evil.example/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "b/",
    "https://\u00fc" + "a" * 300,
    "https://xn--zzzz--a.example/",
    "https://example.org/<b>",
    'https://example.org/"x',
    "https://a.b/`",
    "https://a.b/" + "c" * 2048,
    "mailto:",
    "mailto:ada",
    "mailto:a@b@c.d",
    "mailto:a@b.c?cc=d@e.f",
    "mailto:a@b.c?subject=x%0Abcc:d@e.f",
    "mailto:a@b.c?body=%00",
    "mailto:a@b.c,d@e.f",
]


@pytest.mark.parametrize("given", ADDRESSES)
def test_addresses_are_normalized(given):
    assert safe_url(given) == ADDRESSES[given]
    assert safe_url(ADDRESSES[given]) == ADDRESSES[given]


@pytest.mark.parametrize("given", UNSAFE)
def test_unsafe_addresses_are_refused(given):
    with pytest.raises(UnsafeUrlError) as caught:
        safe_url(given)
    assert caught.value.fault.startswith("url_")
    assert caught.value.code == "unsafe_url"


def test_an_address_is_not_longer_than_its_field_once_it_is_written():
    for given in ("x" * 3000, "\u4e2d" * 1000):
        with pytest.raises(UnsafeUrlError) as caught:
            safe_url(f"https://example.org/{given}")
        assert caught.value.fault == "url_too_long"


def test_schemes_are_chosen_among_safe_ones():
    assert safe_url("tel:+49-30-1", schemes=("tel",)) == "tel:+49-30-1"
    with pytest.raises(UnsafeUrlError):
        safe_url("tel:+49;ext=1", schemes=("tel",))
    with pytest.raises(UnsafeUrlError):
        safe_url("http://example.org", schemes=("https",))
    with pytest.raises(ConfigurationError, match="javascript"):
        safe_url("javascript:x", schemes=("javascript",))


class Website(SafeUrl, schemes=("https",)):
    """Nothing but https."""


class OwnWebsite(Website):
    """Inherits it."""


def test_fields_of_addresses():
    profile = Profile(name="a", website="HTTPS://example.org")
    assert profile.website == "https://example.org/"
    assert isinstance(profile.website, SafeUrl)
    with pytest.raises(ValidationError) as caught:
        Profile(name="a", website="javascript:x")
    assert caught.value.errors()[0]["type"] == "url_scheme"
    with pytest.raises(UnsafeUrlError):
        OwnWebsite("http://example.org")
    assert TypeAdapter(Website).json_schema() == {
        "type": "string",
        "format": "uri",
        "maxLength": 2048,
    }


def test_redirects_to_paths_and_named_origins():
    shop = ["https://shop.example.org", "http://localhost:8000"]
    for target in ("/", "/a/b?c=//d#e", "/a%20b", "/@a", "/a?next=https://x.y"):
        assert is_local_path(target)
        assert safe_redirect(target) == target
    assert safe_redirect("https://Shop.example.org:443/x", origins=shop) == (
        "https://shop.example.org/x"
    )
    assert safe_redirect("http://localhost:8000/x", origins=shop) == "http://localhost:8000/x"
    for target in (
        "http://shop.example.org/",
        "https://shop.example.org:444/",
        "http://localhost/",
    ):
        assert safe_redirect(target, origins=shop) == "/"
    assert safe_redirect("https://evil.example", default="/home") == "/home"
    assert safe_redirect("x", origins=shop, default="https://shop.example.org/") == (
        "https://shop.example.org/"
    )


@pytest.mark.parametrize(
    "origin",
    [
        "example.org",
        "https://example.org/",
        "https://example.org/a",
        "ftp://example.org",
        "*",
        "https://*.example.org",
        "https://a@example.org",
        "https://example.org?x",
        "",
    ],
)
def test_an_origin_is_no_more_than_that(origin):
    with pytest.raises(ConfigurationError, match="is no origin"):
        safe_redirect("/", origins=[origin])


def test_the_default_of_a_redirect_is_checked():
    with pytest.raises(ConfigurationError, match="the default"):
        safe_redirect("/", default="//evil.example")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@x", "'@x"),
        (" \t=1", "' \t'=1"),
        ("\tx", "'\tx"),
        ("\nx", "'\nx"),
        ("\x00=1", "'=1"),
        ("|x", "'|x"),
        ("\uff1d1", "'\uff1d1"),
        ("\u2212x", "'\u2212x"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\xa0=1", "'\xa0=1"),
        ("-5", "-5"),
        ("+49.5", "+49.5"),
        (-5, "-5"),
        (-1.5, "-1.5"),
        (Decimal(-3), "-3"),
        (None, ""),
        (True, "True"),
        ("a\x07b", "ab"),
        ("", ""),
    ],
)
def test_cells(value, cell):
    assert csv_cell(value) == cell


def test_lines_of_csv_are_read_back_as_they_were():
    rows = [["name", "note"], ["a;=b", 'c"d'], ["e\nf", "=g"]]
    lines = [*csv_lines(rows)]
    assert lines[1] == '"a;\'=b","c""d"\r\n'
    assert [*csv.reader(io.StringIO("".join(lines), newline=""))] == [
        ["name", "note"],
        ["a;'=b", 'c"d'],
        ["e\nf", "'=g"],
    ]


@pytest.mark.parametrize("value", ["", "a", "a b\tc", 'x="y"; z'])
def test_values_of_headers(value):
    assert header_value(value) == value


@pytest.mark.parametrize(
    "value", ["a\r\nb: c", "a\nb", "a\x00", " a", "a ", "\u00fc", "a\x7f", "\u010d\u010a"]
)
def test_what_is_no_value_of_a_header_is_refused(value):
    with pytest.raises(ContentError) as caught:
        header_value(value)
    assert caught.value.fault == "header_value"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a b.pdf", 'attachment; filename="a b.pdf"'),
        ('"%.txt', "attachment; filename=\"__.txt\"; filename*=UTF-8''%22%25.txt"),
        (
            "\u00fc\r\nx: y",
            "attachment; filename=\"___x: y\"; filename*=UTF-8''%C3%BC__x%3A%20y",
        ),
        ("\ud800", 'attachment; filename="_"'),
        ("../../a/b.txt", 'attachment; filename=".._.._a_b.txt"'),
        ("C:\\a.txt", 'attachment; filename="C:_a.txt"'),
        ("a\u202egpj.exe", 'attachment; filename="a_gpj.exe"'),
    ],
)
def test_names_of_attachments(name, value):
    assert content_disposition(name) == value
    assert header_value(value) == value


def test_many_marks_of_one_letter_take_no_time():
    """Normalizing them takes time by their square where the library does it alone."""
    began = time.process_time()
    for hidden in ("refuse", "remove"):
        clean_text("a" + "\u0301\u0316" * 100_000, hidden=hidden, max_length=1_000_000)
    assert time.process_time() - began < 2
