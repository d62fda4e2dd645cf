"""Each rule of the reader of archives by itself; whole attacks are in tests/attacks."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from zenith.content import (
    ArchiveLimits,
    UploadRefusedError,
    UploadSettings,
    UploadTypeError,
    check_file,
    read_archive,
)
from zenith.kernel.errors import PayloadTooLargeError

LIMITS = ArchiveLimits(max_entries=4, max_unpacked=200_000, max_ratio=10, max_name=40)
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"


def packed(*files, method=zipfile.ZIP_STORED):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in files:
            made.writestr(name, data)
    return held.getvalue()


TWO = packed(("a.txt", b"alpha"), ("b/c.txt", b"beta"))


def patched(data, mark, at, form, value):
    changed = bytearray(data)
    struct.pack_into(form, changed, data.index(mark) + at, value)
    return bytes(changed)


def reason(data, limits=LIMITS):
    with pytest.raises(UploadRefusedError) as caught:
        read_archive(data, limits)
    return caught.value.reason.removeprefix("archive: ")


def named(name, **given):
    info = zipfile.ZipInfo(name)
    for key, value in given.items():
        setattr(info, key, value)
    return packed((info, b"x"))


def test_an_honest_archive_is_read():
    assert read_archive(TWO, LIMITS) == ("a.txt", "b/c.txt")
    assert read_archive(packed(("d/", b""), ("d/e", b"e")), LIMITS) == ("d/e",)
    assert read_archive(packed(("a", b"text " * 400), method=8), LIMITS) == ("a",)
    held = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(held), "w") as made:
        made.writestr("described", b"x")
    assert read_archive(held.getvalue(), LIMITS) == ("described",)


class _Unseekable(io.RawIOBase):
    """A stream: sizes stand behind the files."""

    def __init__(self, held):
        self._held = held

    def writable(self):
        return True

    def write(self, data):
        return self._held.write(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no frame"),
        (b"x" + TWO, "no frame"),
        (TWO[:-4], "no frame"),
        (TWO + b"x", "data around it"),
        (patched(TWO, END, 4, "<H", 1), "several parts"),
        (patched(TWO, END, 8, "<H", 1), "several parts"),
        (packed(*((str(number), b"") for number in range(5))), "entries"),
        (packed(("a", b""), ("A", b"")), "one name twice"),
        (packed(("a", b"0" * 199_999), ("b", b"00")), "declared size"),
        (patched(TWO, b"PK\x03\x04", 8, "<H", 8), "file and directory differ"),
        (patched(TWO, b"PK\x03\x04", 22, "<I", 4), "file and directory differ"),
        (patched(TWO, b"PK\x03\x04", 28, "<H", 3), "files overlap"),
        (patched(TWO, CENTRAL, 24, "<I", 6), "file and directory differ"),
        (patched(TWO, CENTRAL, 42, "<I", 9), "data between files"),
        (packed(("a", b"Rar!\x1a\x07 and more")), "nested by content"),
        (packed(("a.tar", b"x")), "nested by name"),
        (packed(("a", b"0" * 150_000), method=8), "ratio"),
        (packed(("a", b"x"), method=12), "method"),
        (named("link", external_attr=0o120777 << 16), "link or device"),
        (patched(TWO, CENTRAL, 8, "<H", 1), "encrypted"),
        (named("n", extra=b"up" + struct.pack("<HBI", 9, 1, 0) + b"../x"), "path"),
        (named("n", extra=b"up" + struct.pack("<HBI", 6, 1, 0) + b"\xff"), "UnicodeDecodeError"),
        (TWO.replace(b"alpha", b"alphb"), "check sum"),
    ],
)
def test_what_is_not_read(data, told):
    assert reason(data) == told


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "/a",
        "a//b",
        "a/./b",
        "C:\\a",
        "a:b",
        "a\u202eb",
        "a.",
        "a ",
        "x" * 41,
        "a/../b",
        "?",
    ],
)
def test_paths_that_are_none(name):
    assert reason(named(name)) == "path"


def test_a_directory_larger_than_its_entries():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        info = zipfile.ZipInfo("a")
        info.comment = b"c" * 2_000
        made.writestr(info, b"x")
    assert reason(held.getvalue()) == "directory larger than its entries"


def test_two_ends_and_a_gap():
    at = TWO.index(END)
    second = b"PK\x06\x07" + bytes(16)
    two = bytearray(TWO[:at] + second + TWO[at:])
    struct.pack_into("<I", two, at + len(second) + 12, at - TWO.index(CENTRAL) + len(second))
    assert reason(bytes(two)) == "two ends"
    start = TWO.index(CENTRAL)
    gap = bytearray(TWO[:start] + b"hide" + TWO[start:])
    struct.pack_into("<I", gap, at + 4 + 16, start + 4)
    assert reason(bytes(gap)) == "data between files"


def test_uploads_that_are_no_files_of_their_type():
    text = UploadSettings(types=("text", "zip", "png", "docx"), max_size=4_000)
    with pytest.raises(PayloadTooLargeError):
        check_file(b"x" * 4_001, "a.txt", text)
    for data in (b"<html>", b"\xef\xbb\xbf <!doctype x>", b"%PDF-1.7 x"):
        with pytest.raises((UploadRefusedError, UploadTypeError)):
            check_file(data, "a.txt", text)
    for data in (b"\xff\xfe", b"a\x00b", b"a\x1b[2J"):
        with pytest.raises((UploadRefusedError, UploadTypeError)):
            check_file(data, "a.txt", text)
    assert check_file(b"plain\n", "a.txt", text).kind.name == "text"
    assert check_file(TWO, "a.zip", text).entries == ("a.txt", "b/c.txt")
    with pytest.raises(UploadTypeError):
        check_file(TWO, "a.docx", text)
    parts = [("[Content_Types].xml", b"x"), ("word/document.xml", b"x")]
    assert check_file(packed(*parts), "a.docx", text).kind.name == "docx"
    with pytest.raises(UploadRefusedError, match="macros"):
        check_file(packed(*parts, ("word/vbaProject.bin", b"x")), "a.docx", text)


def test_sizes_that_are_not_true():
    one = packed(("a", b"x" * 100))
    larger = patched(patched(one, CENTRAL, 24, "<I", 200), b"PK\x03\x04", 22, "<I", 200)
    assert reason(larger) in {"BadZipFile", "size is another than declared", "EOFError"}
    other = named("n", extra=struct.pack("<HHI", 0x5455, 4, 0))
    assert read_archive(other, LIMITS) == ("n",)


def test_documents_that_are_two_things():
    pdf = UploadSettings(types=("pdf",))
    whole = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
    assert check_file(whole, "a.pdf", pdf).kind.name == "pdf"
    for data in (whole[:-6], whole + TWO, b"%PDF-1.7 <script >\n%%EOF\n"):
        with pytest.raises(UploadRefusedError):
            check_file(data, "a.pdf", pdf)
    assert check_file(whole + END, "a.pdf", pdf).kind.name == "pdf"
