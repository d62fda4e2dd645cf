"""An attacker uploads a page, a program or an archive that passes for a picture, so that it runs in
the application's origin, on its server, or in a reader that looks further than the first bytes; or
a picture of a few bytes that takes gigabytes once it is opened (ASVS 5.2.2, 5.2.6, 5.3.1, 5.4.1).
"""

from __future__ import annotations

import struct
import time

import pytest

from tests.content.test_uploads import (
    ALL,
    PDF,
    archive,
    canvas,
    chunk,
    gif,
    jpeg,
    lossy,
    moving,
    png,
    riff,
)
from zenith.content import (
    ContentError,
    UploadRefusedError,
    UploadSettings,
    UploadTypeError,
    check_file,
    download_headers,
)

IMAGES = {"a.png": png(), "a.jpg": jpeg(), "a.gif": gif(), "a.webp": riff(lossy())}
MARKUP = [
    b"<script>hit(1)</script>",
    b"<SCRIPT SRC=//x>",
    b"<!DOCTYPE html>",
    b"<html>",
    b"<?php x",
    b"<iframe src=x>",
    b"<body onload=x>",
    b"<svg onload=x>",
    b"<svg xmlns=x>",
]
LOOSE = UploadSettings(types=ALL.types, allow_trailing_data=True)


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_follows_an_image(name):
    for rest in (*MARKUP, archive(("a", b"b")), PDF, b"x", b"\0\0x", IMAGES[name]):
        with pytest.raises(UploadRefusedError):
            check_file(IMAGES[name] + rest, name, ALL)


@pytest.mark.parametrize("name", IMAGES)
def test_with_data_allowed_behind_it_is_still_no_page_and_no_archive(name):
    for rest in (*MARKUP, archive(("a", b"b")), PDF):
        with pytest.raises(UploadRefusedError, match="two things"):
            check_file(IMAGES[name] + rest, name, LOOSE)


@pytest.mark.parametrize("markup", MARKUP)
def test_pages_within_the_comments_of_an_image(markup):
    length = struct.pack(">H", len(markup) + 2)
    hidden = {
        "a.png": png(extra=chunk(b"tEXt", b"Comment\0" + markup)),
        "a.jpg": jpeg()[:2] + b"\xff\xfe" + length + markup + jpeg()[2:],
        "a.gif": gif()[:19] + b"\x21\xfe" + bytes([len(markup)]) + markup + b"\0" + gif()[19:],
        "a.webp": riff(canvas(), lossy(), (b"XMP ", markup)),
    }
    for name, data in hidden.items():
        with pytest.raises(UploadRefusedError, match="two things"):
            check_file(data, name, ALL)


def test_a_document_within_the_first_bytes_of_an_image():
    comment = b"\xff\xfe" + struct.pack(">H", len(PDF) + 2) + PDF
    with pytest.raises(UploadRefusedError, match="two things"):
        check_file(jpeg()[:2] + comment + jpeg()[2:], "a.jpg", ALL)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.pdf", "a.zip", "a.docx"])
@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='hit(1)'/>",
        b"<html>",
        b"#!/bin/sh\n",
        b"MZ\x90\0",
        b"\x7fELF",
        b"<?php x",
        b"GIF89a/*<svg/onload=hit(1)>*/=1;",
        b"\xca\xfe\xba\xbe",
        b"%!PS",
        b"",
    ],
)
def test_programs_and_pages_under_another_name(name, data):
    with pytest.raises((UploadTypeError, UploadRefusedError)):
        check_file(data, name, ALL)


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>hit(1)",
        b" \n<!DOCTYPE html>",
        b"\xef\xbb\xbf<svg/>",
        b"<?xml version='1.0'?><x/>",
        b"<!--x--><html>",
        b"x\n%PDF-1.7",
    ],
)
def test_pages_under_the_name_of_text(data):
    with pytest.raises(UploadRefusedError, match="two things"):
        check_file(data, "a.txt", ALL)


@pytest.mark.parametrize(
    "name",
    [
        "a.svg",
        "a.html",
        "a.htm",
        "a.xhtml",
        "a.js",
        "a.xml",
        "a.php",
        "a.png.php",
        "a.png\0.php",
        "a.phtml",
        ".htaccess",
        "a.png/",
        "a.png.",
        "a.png ",
    ],
)
def test_an_image_under_the_name_of_a_page_or_program(name):
    with pytest.raises(UploadTypeError):
        check_file(png(), name, ALL)


def test_an_archive_within_a_document():
    with pytest.raises(UploadRefusedError, match="two things"):
        check_file(PDF + archive(("a", b"b")) + b"%%EOF", "a.pdf", ALL)
    with pytest.raises(UploadRefusedError, match="two things"):
        check_file(PDF.replace(b"1 0", b"<script >1 0"), "a.pdf", ALL)


def told(frames: int) -> bytes:
    return chunk(b"acTL", struct.pack(">II", frames, 0))


def test_pictures_that_would_fill_the_memory():
    for data, name in (
        (png(2**31 - 1, 2**31 - 1), "a.png"),
        (png(65_535, 65_535), "a.png"),
        (png(extra=told(2**31 - 1)), "a.png"),
        (jpeg(65_535, 65_535), "a.jpg"),
        (gif(65_535, 65_535), "a.gif"),
        (riff(canvas(2**24, 2**24), lossy()), "a.webp"),
        # Some believe the first count, some the last, some none: what is drawn counts too.
        (png(extra=told(2**31 - 1) + told(1)), "a.png"),
        (png(7000, 7000, extra=told(1) + chunk(b"fcTL", b"\0" * 26) * 2), "a.png"),
        (riff(canvas(1, 1), moving(16_383, 16_383)), "a.webp"),
        (riff(canvas(1, 1), moving(1, 1, lossy(16_383, 16_383))), "a.webp"),
    ):
        assert len(data) < 300
        with pytest.raises(UploadRefusedError, match="too many pixels"):
            check_file(data, name, ALL)


LONG_SETTINGS = UploadSettings(types=ALL.types, max_size=9 * 1024 * 1024)
TEDIOUS = {
    "a.png": lambda: png(extra=chunk(b"teXt", b"") * 700_000),
    "parts.gif": lambda: gif()[:19] + b"\x21\xfe\0" * 2_500_000 + gif()[19:],
    "blocks.gif": lambda: gif()[:19] + b"\x21\xfe" + b"\x01x" * 4_000_000 + b"\0" + gif()[19:],
    "a.webp": lambda: riff(canvas(), lossy(), *[(b"none", b"")] * 900_000),
    "frames.webp": lambda: riff(canvas(), *[moving(1, 1)] * 190_000),
    "frame.webp": lambda: riff(canvas(), (b"ANMF", moving(1, 1)[1] + b"none\0\0\0\0" * 900_000)),
}


@pytest.mark.parametrize("name", TEDIOUS)
def test_pictures_of_a_million_empty_parts(name):
    data = TEDIOUS[name]()
    began = time.process_time()
    with pytest.raises(UploadRefusedError, match="takes too long"):
        check_file(data, name, LONG_SETTINGS)
    assert time.process_time() - began < 1


def test_a_size_behind_the_picture_does_not_make_it_smaller():
    # Those that decode go by the first chunk.
    for data in (riff(lossy(16_383, 16_383), canvas(1, 1)), riff(canvas(), canvas(1, 1), lossy())):
        with pytest.raises(UploadRefusedError, match="damaged"):
            check_file(data, "a.webp", ALL)


def test_whatever_was_let_in_is_saved_and_not_opened():
    headers = download_headers('x".html\r\nSet-Cookie: a=b', "text/plain; charset=utf-8")
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert not any("\r" in value or "\n" in value for value in headers.values())
    assert headers["Content-Security-Policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    "kind",
    ["", "html", "text/html\r\nX: y", "text/", "/png", "*/*", "text/html, image/png", "a b/c",
     "image/png;", "image/png; x", 'text/plain; x="\u00fc"', "text/pl\u00e4in"],
)  # fmt: skip
def test_a_type_that_is_none_is_not_sent(kind):
    with pytest.raises(ContentError, match="media type"):
        download_headers("a.png", kind)


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/plain; charset=utf-8", 'a/b;c="d e";f=g', "application/x.y-z"]
)
def test_types_are_sent_as_they_are(kind):
    assert download_headers("../a.png", kind)["Content-Type"] == kind
