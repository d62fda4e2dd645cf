"""Uploads: types, pictures, archives, names, what is kept and how it is served."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import struct
import time
import zipfile
import zlib

import httpx
import pytest
from fastapi import Depends, FastAPI

from zenith import SecurityMiddleware
from zenith.content import (
    ArchiveLimits,
    CheckedFile,
    UploadRefusedError,
    UploadSettings,
    UploadTypeError,
    check_file,
    download_headers,
    read_archive,
    read_limited,
    uploaded,
)
from zenith.content.file_names import shown_name
from zenith.content.file_types import FILE_TYPES
from zenith.content.images import MAX_MARKERS, MAX_SCANS
from zenith.content.settings import TYPES
from zenith.kernel.errors import ConfigurationError, NotFoundError, PayloadTooLargeError
from zenith.stores.uploads import UploadFolder

ALL = UploadSettings(types=TYPES)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int = 3, height: int = 2, *, extra: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + b"\xc8\x0a\x0a" * 3) * 2)
    body = head + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(width: int = 3, height: int = 2, *, scan: bytes = b"\x01\xff\x00\x02\xff\xd0") -> bytes:
    thumb = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\xff\xd8\xff\xd9"
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + thumb + frame + b"\xff\xda\x00\x02" + scan + b"\xff\xff\xd9"


def gif(width: int = 3, height: int = 2, *, frames: int = 1, frame: tuple = (0, 0, 3, 2)) -> bytes:
    extension = b"\x21\xf9\x04\x00\x00\x00\x00\x00"
    picture = b"\x2c" + struct.pack("<HHHHB", *frame, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0" * 6
    return head + (extension + picture) * frames + b"\x3b"


def riff(*parts: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in parts
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def lossy(width: int = 3, height: int = 2) -> tuple[bytes, bytes]:
    return b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"x"


def lossless(width: int = 3, height: int = 2) -> tuple[bytes, bytes]:
    return b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)


def canvas(width: int = 3, height: int = 2) -> tuple[bytes, bytes]:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", b"\x02\0\0\0" + size


def moving(
    width: int = 3, height: int = 2, inner: tuple[bytes, bytes] | None = None
) -> tuple[bytes, bytes]:
    """One picture of an animation, with its own size and that of what it holds."""
    place = bytes(6) + canvas(width, height)[1][4:] + bytes(4)
    return b"ANMF", place + riff(inner or lossless())[12:]


def archive(
    *files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in files:
            made.writestr(name, data)
    return held.getvalue()


PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
WORDS = archive(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"))


@pytest.mark.parametrize(
    ("data", "name", "kind", "size"),
    [
        (png(), "a.png", "png", (3, 2)),
        (png(extra=chunk(b"acTL", struct.pack(">II", 2, 0))), "a.PNG", "png", (3, 2)),
        (png() + b"\0\0", "a.png", "png", (3, 2)),
        (jpeg(), "a.jpg", "jpeg", (3, 2)),
        (jpeg(scan=b"\xff\x01"), "a.jpeg", "jpeg", (3, 2)),
        (gif(), "a.gif", "gif", (3, 2)),
        (gif(frames=3), "a.gif", "gif", (3, 2)),
        (riff(lossy()), "a.webp", "webp", (3, 2)),
        (riff(lossless()), "a.webp", "webp", (3, 2)),
        (
            riff(canvas(), (b"ANIM", b"x"), moving(), moving(1, 1, (b"ALPH", b"x"))),
            "a.webp",
            "webp",
            (3, 2),
        ),
        (PDF, "a.pdf", "pdf", (None, None)),
        (archive(("a/", b""), ("a/b.txt", b"x"), (".c", b"y")), "a.zip", "zip", (None, None)),
        (archive(), "a.zip", "zip", (None, None)),
        (archive(("a.bin", b"x" + archive())), "a.zip", "zip", (None, None)),
        (WORDS, "a.docx", "docx", (None, None)),
        ("h\u00e9\r\n\tx <b>".encode(), "a.txt", "text", (None, None)),
        (b"", "a.txt", "text", (None, None)),
        (b"\xef\xbb\xbfa,b", "a.csv", "csv", (None, None)),
    ],
)
def test_files_are_what_their_content_is(data, name, kind, size):
    file = check_file(data, name, ALL)
    assert file.kind.name == kind
    assert (file.width, file.height) == size
    assert file.data == data
    assert len(file.sha256) == 64
    assert repr(file) == f"<CheckedFile {kind} {len(data)} bytes>"


@pytest.mark.parametrize(
    ("data", "name", "types"),
    [
        (png(), "a.gif", TYPES),
        (png(), "a", TYPES),
        (png(), "", TYPES),
        (png(), "a.png", ("gif",)),
        (png(), "a.png.html", TYPES),
        (b"MZ\x90", "a.png", TYPES),
        (b"<svg>", "a.svg", TYPES),
        (PDF, "a.png", TYPES),
        (b" " + PDF, "a.pdf", TYPES),
        (WORDS, "a.xlsx", TYPES),
        (archive(("word/document.xml", b"")), "a.docx", TYPES),
        (b"", "a.png", TYPES),
        (png(), "a.txt", TYPES),
        (archive(), "a.jar", TYPES),
    ],
)
def test_what_name_and_content_do_not_agree_on_is_no_type(data, name, types):
    with pytest.raises(UploadTypeError) as caught:
        check_file(data, name, UploadSettings(types=types))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (png()[:-3], "a.png"),
        (png()[:20], "a.png"),
        (png(0, 2), "a.png"),
        (png().replace(b"IHDR", b"IDAT"), "a.png"),
        (png(extra=chunk(b"IHDR", b"\0" * 13)), "a.png"),
        (png(extra=chunk(b"acTL", b"\0" * 8)), "a.png"),
        (jpeg()[:-2], "a.jpg"),
        (jpeg(0, 0), "a.jpg"),
        (b"\xff\xd8\xff\xe0\x00\x01", "a.jpg"),
        (jpeg(scan=b"\xff\xd8"), "a.jpg"),
        (b"\xff\xd8\xff\xe0", "a.jpg"),
        (jpeg(scan=jpeg()[2:-3]), "a.jpg"),
        (b"\xff\xd8\xff\xe0\x00\x02\xff\xd9", "a.jpg"),
        (gif()[:-1], "a.gif"),
        (gif(frames=0), "a.gif"),
        (gif(frame=(1, 0, 3, 2)), "a.gif"),
        (gif(frame=(0, 0, 3, 9)), "a.gif"),
        (gif()[:19] + b"\x99", "a.gif"),
        (gif()[:10], "a.gif"),
        (riff(canvas()), "a.webp"),
        (riff(canvas(), (b"ANMF", b"xy")), "a.webp"),
        (riff(lossy(), canvas()), "a.webp"),
        (riff(lossy())[:-4], "a.webp"),
        (riff((b"VP8 ", b"x" * 12)), "a.webp"),
        (riff((b"VP8L", b"x" * 5)), "a.webp"),
        (riff(lossy(0, 1)), "a.webp"),
        (riff(lossy()).replace(b"\x0b\0\0\0", b"\x0d\0\0\0"), "a.webp"),
        (PDF[:-7], "a.pdf"),
        (b"\x80", "a.txt"),
        (b"a\x00b", "a.txt"),
        (b"\x1b[31m", "a.csv"),
    ],
)
def test_broken_files_are_refused(data, name):
    with pytest.raises(UploadRefusedError, match="damaged"):
        check_file(data, name, ALL)


def test_pictures_are_limited_in_pixels_with_all_their_frames():
    settings = UploadSettings(types=TYPES, max_pixels=12)
    for data, name in ((png(4, 3), "a.png"), (gif(frames=2), "a.gif"), (jpeg(4, 3), "a.jpg")):
        check_file(data, name, settings)
    for data, name in (
        (png(60_000, 60_000), "a.png"),
        (png(13, 1), "a.png"),
        (png(extra=chunk(b"acTL", struct.pack(">II", 3, 0))), "a.png"),
        (gif(frames=3), "a.gif"),
        (jpeg(13, 1), "a.jpg"),
        (riff(canvas(16_384, 16_384), lossy()), "a.webp"),
        (riff(lossy(13, 1)), "a.webp"),
        (riff(canvas(1, 1), lossless(13, 1)), "a.webp"),
    ):
        with pytest.raises(UploadRefusedError, match="too many pixels"):
            check_file(data, name, settings)


@pytest.mark.parametrize("within", [archive(("a", b"b")), archive() * 65])
def test_archives_within_behind_other_content(within):
    with pytest.raises(UploadRefusedError, match="of archives"):
        check_file(archive(("a.bin", b"x" + within)), "a.zip", ALL)


def test_data_behind_an_image_is_allowed_by_name_only():
    data = jpeg() + b"\x00\x00\x00\x18ftypmp42"
    with pytest.raises(UploadRefusedError, match="behind the image"):
        check_file(data, "a.jpg", ALL)
    loose = UploadSettings(types=("jpeg",), allow_trailing_data=True)
    assert loose.dangers == ("allow_trailing_data",)
    assert ALL.dangers == ()
    check_file(data, "a.jpg", loose)
    with pytest.raises(UploadRefusedError, match="two things"):
        check_file(jpeg() + archive(("a", b"b")), "a.jpg", loose)


def test_size_is_limited_while_reading():
    with pytest.raises(PayloadTooLargeError):
        check_file(png(), "a.png", UploadSettings(types=("png",), max_size=10))


async def test_reading_stops_at_the_limit():
    asked = []

    async def read(size: int) -> bytes:
        asked.append(size)
        return b"x" * size if len(asked) < 1000 else b""

    with pytest.raises(PayloadTooLargeError):
        await read_limited(read, limit=200_000)
    assert sum(asked) <= 200_001
    source = io.BytesIO(b"abc")

    async def short(size: int) -> bytes:
        return source.read(size)

    assert await read_limited(short, limit=3) == b"abc"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"types": ()}, "types is empty"),
        ({"types": ("svg",)}, "svg"),
        ({"types": ("png",), "max_size": 0}, "max_size"),
        ({"types": ("png",), "max_size": 1 << 30}, "max_size"),
        ({"types": ("png",), "max_pixels": 0}, "max_pixels"),
    ],
)
def test_settings_that_are_none_are_refused(settings, said):
    with pytest.raises(ConfigurationError, match=said):
        UploadSettings(**settings)
    with pytest.raises(ConfigurationError, match="max_ratio"):
        ArchiveLimits(max_ratio=0)


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u597d", "\U0001f600"])
def test_a_name_is_short_enough_for_every_file_system(letter):
    shown = shown_name(letter * 1000 + ".png", FILE_TYPES["png"])
    assert len(shown.encode()) <= 255
    assert set(shown.removesuffix(".png")) == {letter}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("report.png", "report.png"),
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\x\\y.png", "y.png"),
        ("a.php.png", "a_php.png"),
        ("a.exe", "a_exe.png"),
        (".png", "file.png"),
        ("", "file.png"),
        ("CON.png", "file CON.png"),
        ("a\u202egnp.png", "agnp.png"),
        ('x\r\ny;z".PNG', "x y z.png"),
        ("  a  .png", "a.png"),
        ("\u65e5\u672c.png", "\u65e5\u672c.png"),
        ("a" * 500 + ".png", "a" * 100 + ".png"),
        ("a\ud800.png", "a.png"),
        ("-rf.png", "rf.png"),
        ("e\u0301.png", "\u00e9.png"),
    ],
)
def test_names_are_made_safe_to_show(given, shown):
    assert shown_name(given, FILE_TYPES["png"]) == shown


def test_every_type_has_a_definition():
    assert tuple(FILE_TYPES) == TYPES


def test_archives_list_their_files():
    data = archive(("a/", b""), ("a/b.txt", b"x" * 70_000), ("c", b""))
    assert read_archive(data, ArchiveLimits()) == ("a/b.txt", "c")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Its work is done in this thread, where coverage sees it."""

    async def at_once(function, *arguments):
        return function(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", at_once)
    return UploadFolder(tmp_path / "uploads", web_roots=[tmp_path / "static"])


async def test_files_are_kept_and_given_back(folder, tmp_path):
    file = check_file(png(), "a.png", ALL)
    stored = await folder.save(file)
    assert (stored.name, stored.media_type, stored.size) == ("a.png", "image/png", len(png()))
    assert await folder.read(stored.id) == (stored, png())
    (path,) = [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()]
    assert path.name == stored.id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await folder.delete(stored.id)
    assert not await folder.delete(stored.id)
    with pytest.raises(NotFoundError):
        await folder.read(stored.id)


async def test_what_is_not_a_file_of_ours_is_not_read(folder, tmp_path):
    stored = await folder.save(check_file(png(), "a.png", ALL))
    (path,) = [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()]
    secret = tmp_path / "secret"
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(NotFoundError):
        await folder.read(stored.id)
    path.unlink()
    path.mkdir()
    with pytest.raises(NotFoundError):
        await folder.read(stored.id)


async def test_a_file_is_whole_or_not_there(folder, tmp_path, monkeypatch):
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        await folder.save(check_file(png(), "a.png", ALL))
    assert not [each for each in (tmp_path / "uploads").rglob("*") if each.is_file()]


@pytest.mark.parametrize(("kept", "served"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_uploads_do_not_lie_where_files_are_served(tmp_path, kept, served):
    with pytest.raises(ConfigurationError, match="are served"):
        UploadFolder(tmp_path / kept, web_roots=[tmp_path / served])


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="can be written"):
        UploadFolder(tmp_path / "file" / "uploads")


def test_files_are_served_to_be_saved():
    headers = download_headers("a.png", "image/png")
    assert headers["Content-Disposition"] == 'attachment; filename="a.png"'
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "image/png"


async def test_the_dependency_gives_a_checked_file():
    api = FastAPI()
    taken = uploaded(UploadSettings(types=("png",), max_size=200), field="avatar")

    @api.post("/avatar")
    async def avatar(file: CheckedFile = Depends(taken)):
        return {"name": file.name, "width": file.width}

    transport = httpx.ASGITransport(app=SecurityMiddleware(api, guards=[]))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:

        async def send(data: bytes, name: str, field: str = "avatar") -> httpx.Response:
            return await client.post("/avatar", files={field: (name, data, "text/html")})

        answer = await send(png(), "../x.png")
        assert answer.json() == {"name": "x.png", "width": 3}
        refused = [
            await send(png(), "x.gif"),
            await send(png() + b"x" * 200, "x.png"),
            await send(png() + b"x", "x.png"),
            await send(png(), "x.png", "other"),
        ]
        assert [each.status_code for each in refused] == [415, 413, 422, 422]
        assert [each.json().get("code") for each in refused[:3]] == [
            "upload_type",
            "payload_too_large",
            "upload_refused",
        ]


def test_a_picture_of_few_bytes_that_takes_hours():
    """Each scan of a JPEG goes over the whole image; ten bytes are one."""
    empty = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\0\0\0\0\0"
    settings = UploadSettings(types=("jpeg",))
    taken = jpeg()[:-2] + empty * (MAX_SCANS - 1) + b"\xff\xd9"
    assert check_file(taken, "a.jpg", settings).width == 3
    with pytest.raises(UploadRefusedError) as caught:
        check_file(taken[:-2] + empty + b"\xff\xd9", "a.jpg", settings)
    assert caught.value.reason == "upload: scans"


def test_a_picture_that_would_be_read_for_hours():
    """Bytes before a marker are gone over once, and empty segments are not counted to the end."""
    settings = UploadSettings(types=("jpeg",))
    began = time.process_time()
    assert check_file(jpeg(scan=b"\xff" * 200_000 + b"\0"), "a.jpg", settings).width == 3
    for many in (b"\xff\x01", b"\xff\xe1\0\2"):
        with pytest.raises(UploadRefusedError) as caught:
            check_file(jpeg(scan=many * MAX_MARKERS), "a.jpg", settings)
        assert caught.value.reason == "upload: markers"
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("name", ["conin$.jpg", "CONOUT$.jpg"])
def test_names_of_consoles_are_shown_otherwise(name):
    assert check_file(jpeg(), name, UploadSettings(types=("jpeg",))).name == f"file {name}"
