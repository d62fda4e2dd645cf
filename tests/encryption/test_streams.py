from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from zenith.encryption import (
    Context,
    DecryptionError,
    StreamCipher,
    decrypt_file,
    encrypt_file,
)
from zenith.encryption import files as files_module
from zenith.encryption import streams as streams_module
from zenith.encryption.streams import HEADER, PIECE, TAG

PLACE = Context("export")
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7]


@pytest.fixture
def cipher(ring) -> StreamCipher:
    return StreamCipher(ring)


async def blocks(data: bytes, size: int = 100_000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", SIZES)
def test_streams_come_back(cipher, size):
    data = os.urandom(size)
    sealed = b"".join(cipher.encrypt([data[:10], b"", data[10:]], PLACE))
    pieces = max(1, -(-size // PIECE))
    assert len(sealed) == HEADER + size + pieces * TAG
    for cut in (1_000, len(sealed)):
        given = [sealed[start : start + cut] for start in range(0, len(sealed), cut)]
        assert b"".join(cipher.decrypt(given, PLACE)) == data


@pytest.mark.parametrize("size", [*SIZES, 40 * PIECE])
async def test_streams_come_back_on_the_event_loop_with_progress(cipher, size):
    data, told, read = os.urandom(size), [], []
    sealed = b"".join(
        [x async for x in cipher.encrypt_async(blocks(data), PLACE, progress=told.append)]
    )
    opened = [
        x async for x in cipher.decrypt_async(blocks(sealed, 5_000), PLACE, progress=read.append)
    ]
    assert b"".join(opened) == data
    assert told == sorted(told)
    assert told[-1] == size
    assert read[-1] == len(sealed)
    assert b"".join(cipher.decrypt([sealed], PLACE)) == data
    assert b"".join([x async for x in cipher.encrypt_async(blocks(b""), PLACE)])
    again = [x async for x in cipher.decrypt_async(blocks(sealed), PLACE)]
    assert b"".join(again) == data


def test_a_stream_is_bounded(ring):
    small = StreamCipher(ring, max_bytes=PIECE)
    with pytest.raises(ValueError, match="more than"):
        list(small.encrypt([bytes(PIECE + 1)], PLACE))
    longer = b"".join(StreamCipher(ring).encrypt([bytes(PIECE + 1)], PLACE))
    with pytest.raises(DecryptionError):
        list(small.decrypt([longer], PLACE))


async def test_files_are_encrypted_and_decrypted_whole(cipher, tmp_path):
    plain, sealed, back = (tmp_path / name for name in ("plain", "sealed", "back"))
    plain.write_bytes(os.urandom(3 * 1024 * 1024 + 5))
    told: list[int] = []
    await encrypt_file(cipher, plain, sealed, progress=told.append)
    await asyncio.sleep(0)
    assert told[-1] == plain.stat().st_size
    await decrypt_file(cipher, sealed, back)
    assert back.read_bytes() == plain.read_bytes()
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["back", "plain", "sealed"]


async def test_a_file_that_is_cut_off_leaves_nothing(cipher, tmp_path):
    plain, sealed, back = (tmp_path / name for name in ("plain", "sealed", "back"))
    plain.write_bytes(bytes(2 * PIECE))
    back.write_bytes(b"as before")
    await encrypt_file(cipher, plain, sealed)
    sealed.write_bytes(sealed.read_bytes()[:-1])
    with pytest.raises(DecryptionError):
        await decrypt_file(cipher, sealed, back)
    assert back.read_bytes() == b"as before"
    assert len(list(tmp_path.iterdir())) == 3


def test_files_are_written_in_the_calling_thread_too(cipher, tmp_path):
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"x")
    told: list[int] = []

    def convert(given):
        return cipher.encrypt(given, PLACE)

    files_module._write(convert, plain, sealed, told.append, lambda: False)
    assert told == [1]
    assert b"".join(cipher.decrypt([sealed.read_bytes()], PLACE)) == b"x"
    files_module._write(convert, plain, sealed, None, lambda: False)
    with pytest.raises(InterruptedError):
        files_module._write(convert, plain, tmp_path / "other", told.append, lambda: True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plain", "sealed"]


def test_a_batch_is_worked_on_in_the_calling_thread_too(cipher):
    pieces = cipher._pieces(streams_module.MAGIC + cipher._ring.active.id + bytes(24), PLACE)
    sealed = streams_module._through(pieces.seal, [(b"a", False), (b"b", True)])
    assert len(sealed) == 2 + 2 * TAG


@pytest.mark.parametrize("damage", ["head", "magic", "key", "short", "piece"])
async def test_damaged_streams_do_not_open(cipher, damage):
    sealed = bytearray(b"".join(cipher.encrypt([b"x" * 100], PLACE)))
    if damage == "head":
        del sealed[HEADER - 1 :]
    elif damage == "short":
        del sealed[HEADER + TAG - 1 :]
    else:
        sealed[{"magic": 0, "key": 5, "piece": -1}[damage]] ^= 1
    with pytest.raises(DecryptionError):
        list(cipher.decrypt([bytes(sealed)], PLACE))
    with pytest.raises(DecryptionError):
        [x async for x in cipher.decrypt_async(blocks(bytes(sealed)), PLACE)]


async def test_a_cancelled_task_stops_its_thread_and_leaves_nothing(cipher, tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    plain.write_bytes(bytes(100_000))
    monkeypatch.setattr(files_module, "BLOCK", 100)
    first = asyncio.Event()
    gate = threading.Event()

    class Slow:
        def encrypt(self, given, context):
            for block in cipher.encrypt(given, context):
                asyncio_loop.call_soon_threadsafe(first.set)
                gate.wait(5)
                yield block

    asyncio_loop = asyncio.get_running_loop()
    task = asyncio.create_task(encrypt_file(Slow(), plain, tmp_path / "sealed"))
    await first.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.name for each in tmp_path.iterdir()] == ["plain"]


async def test_the_event_loop_goes_on_meanwhile(cipher):
    data = bytes(32 * PIECE)
    longest, running = 0.0, True

    async def watch() -> None:
        nonlocal longest
        while running:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    threads = threading.active_count()
    async for _ in cipher.encrypt_async(blocks(data, len(data)), PLACE):
        pass
    running = False
    await watching
    assert threading.active_count() > threads or threads > 1
    assert longest < 0.5
