"""The file of keys, its rotation, and a running application that sees it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading

import pytest

from tests.encryption.conftest import MASTER, OTHER
from zenith.encryption import (
    Context,
    DataKey,
    Encryption,
    EncryptionSettings,
    EnvironmentKeyProvider,
    KeyFile,
    KeySet,
    KeyState,
    key_file,
)
from zenith.encryption.key_set import add_pending, finish, pending, retire
from zenith.encryption.keyring import MAX_DESTROYED
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

key_file_module = sys.modules[KeyFile.__module__]
SETTINGS = EncryptionSettings(key=Secret(MASTER), refresh=0.1)
SSN = Context("text", "people", "ssn")


def opened(folder, *, create=True):
    return Encryption.from_settings(SETTINGS, folder=folder, create=create)


async def until(holds) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


def rotated(keys: KeySet) -> None:
    for use in ("values", "indexes"):
        ring = keys.ring(use)
        ring.rotate(add_pending(ring, now=5.0))


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path / "keys.json", EnvironmentKeyProvider({"K": MASTER}, "K"))


async def test_keys_are_made_once_and_kept(file):
    made = await file.create()
    assert (await KeyFile(file.path, file._provider).create()).generation == made.generation
    assert (await file.create()).values.keys == made.values.keys == (await file.read()).values.keys
    assert made.values.active != made.indexes.active
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in file.path.parent.iterdir()) == ["keys.json", "keys.json~"]


async def test_a_file_that_is_not_there_has_no_stamp(file):
    assert file.stamp() is None
    await file.create()
    assert file.stamp() is not None


async def test_of_many_who_make_keys_one_makes_them(tmp_path):
    provider = EnvironmentKeyProvider({"K": MASTER}, "K")
    made = await asyncio.gather(*(KeyFile(tmp_path / "k", provider).create() for _ in range(8)))
    assert len({keys.values.active.id for keys in made}) == 1


async def test_changes_at_once_lose_none(file):
    await file.create()

    def add(keys: KeySet) -> None:
        keys.values.add(type(keys.values.active).new(now=1.0))

    await asyncio.gather(*(file.change(add) for _ in range(8)))
    keys = await file.read()
    assert (len(keys.values.keys), keys.generation) == (9, 9)


async def test_a_writer_that_is_cancelled_overwrites_nobody(file, monkeypatch):
    """Its thread went on without the lock, and put an old document in the place of a new one: with
    all that was encrypted under the key in it.
    """
    await file.create()
    begun, slow = threading.Event(), threading.Event()
    replace = key_file_module._replace

    def replace_slowly(path, text):
        if not begun.is_set():
            begun.set()
            slow.wait(5)
        replace(path, text)

    monkeypatch.setattr(key_file_module, "_replace", replace_slowly)
    first = asyncio.create_task(file.change(rotated))
    await until(begun.is_set)
    first.cancel()
    second = asyncio.create_task(file.change(rotated))
    await asyncio.sleep(0.1)
    assert not second.done()
    slow.set()
    changed = await second
    assert first.cancelled()
    assert (await file.read()).values.keys == changed.values.keys
    assert changed.generation == 3


async def test_a_change_that_fails_changes_nothing(file, monkeypatch):
    await file.create()
    before = file.path.read_text()

    def fails(keys: KeySet) -> None:
        keys.values.rotate(add_pending(keys.values, now=1.0))
        raise ConfigurationError("no", fix="none")

    with pytest.raises(ConfigurationError, match="no"):
        await file.change(fails)

    def torn(source, target):
        raise OSError("no space")

    monkeypatch.setattr(type(file.path), "replace", torn)
    with pytest.raises(ConfigurationError, match="cannot be read or written"):
        await file.change(rotated)
    assert file.path.read_text() == before
    assert len(list(file.path.parent.iterdir())) == 2


async def test_missing_unreadable_and_unwritable_files_are_named(file, tmp_path):
    with pytest.raises(ConfigurationError, match=r"keys\.json") as caught:
        await file.read()
    assert "zenith keys generate" in caught.value.fix
    assert file.stamp() is None
    file.path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await file.read()
    (tmp_path / "plain").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await KeyFile(tmp_path / "plain" / "keys", file._provider).create()


def test_what_threads_do_is_done_here_too(tmp_path):
    one, two = (key_file._opened(tmp_path / "lock") for _ in range(2))
    assert (key_file._locked(one), key_file._locked(two)) == (True, False)
    os.close(one)
    assert key_file._locked(two)
    os.close(two)
    key_file._replace(tmp_path / "made", "{}")
    assert key_file._text(tmp_path / "made") == "{}\n"


def test_a_successor_waits_is_one_and_then_encrypts():
    ring = KeySet.new(now=100.0).values
    first = ring.active
    waiting = add_pending(ring, now=1.0)
    assert add_pending(ring, now=2.0) == waiting == pending(ring)
    assert (ring.active, waiting.state) == (first, KeyState.DECRYPT_ONLY)
    assert waiting.created > first.created
    with pytest.raises(ConfigurationError, match="waits"):
        retire(ring, waiting.id)
    ring.rotate(waiting)
    assert (pending(ring), ring.active.id) == (None, waiting.id)
    with pytest.raises(ConfigurationError, match="active"):
        retire(ring, waiting.id)
    retire(ring, first.id)
    for gone in (first.id, b"none"):
        with pytest.raises(ConfigurationError, match="there is no key"):
            retire(ring, gone)


def test_a_program_opens_its_keys_and_finds_by_index(tmp_path):
    with pytest.raises(ConfigurationError, match=r"encryption\.json"):
        opened(tmp_path, create=False)
    one, two = opened(tmp_path), opened(tmp_path, create=False)
    assert two.decrypt(one.encrypt("x")) == "x"
    index = one.blind_index("digits", unique=True)
    assert (index.normalize, index.unique) == ("digits", True)
    assert index.tag("1-2", SSN) == two.blind_index("digits").tag("12", SSN)
    assert index.tag("12", SSN) != one.blind_index().tag("12", SSN)
    assert one.index_keys.active.id != one.keyring.active.id


async def test_an_index_follows_the_ring(tmp_path):
    encryption = opened(tmp_path)
    index = encryption.blind_index()
    before = index.tag("x", SSN)
    waiting = add_pending(encryption.index_keys, now=1.0)
    assert index.tag("x", SSN) == before
    assert index.tags("x", SSN)[0] == before
    assert len(index.tags("x", SSN)) == 2
    encryption.index_keys.rotate(waiting)
    assert index.tags("x", SSN)[1] == before
    retire(encryption.index_keys, encryption.index_keys.keys[0].id)
    assert before not in index.tags("x", SSN)


async def test_a_running_program_takes_new_keys(tmp_path):
    encryption = opened(tmp_path)
    index = encryption.blind_index()
    old, tag = encryption.encrypt("x"), index.tag("x", SSN)
    assert await encryption.refresh() is False
    assert await encryption.refresh() is False
    await encryption.start()
    try:
        await opened(tmp_path).file.change(rotated)
        await until(lambda: not encryption.is_current(old))
    finally:
        await encryption.stop()
        await encryption.stop()
    assert encryption.decrypt(old) == "x"
    assert index.tags("x", SSN)[1] == tag


async def test_a_file_of_before_or_of_nobody_changes_nothing(tmp_path, caplog):
    encryption = opened(tmp_path)
    path = encryption.file.path
    former = path.read_text()
    await encryption.file.change(rotated)
    assert await encryption.refresh() is True
    active = encryption.keyring.active
    path.write_text(former)
    with pytest.raises(ConfigurationError, match="older"):
        await encryption.refresh()
    with caplog.at_level(logging.ERROR, "zenith"):
        path.write_text("{}")
        await encryption.start()
        await until(lambda: "does not open" in caplog.text)
        await encryption.stop()
    assert encryption.keyring.active == active


async def test_keys_come_from_a_file_or_a_command(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(MASTER)
    secret.chmod(0o600)
    by_file = EncryptionSettings(key_file=secret)
    by_command = EncryptionSettings(key_command=("/bin/cat", str(secret)))
    one = Encryption.from_settings(by_file, folder=tmp_path, create=True)
    two = Encryption.from_settings(by_command, folder=tmp_path)
    three = opened(tmp_path, create=False)
    assert two.decrypt(one.encrypt("x")) == three.decrypt(one.encrypt("x")) == "x"
    with pytest.raises(ConfigurationError, match="no key-encryption key") as caught:
        Encryption.from_settings(EncryptionSettings(), folder=tmp_path)
    assert "ZENITH_ENCRYPTION__KEY_FILE" in caught.value.fix
    assert not EncryptionSettings().has_key
    assert by_file.has_key


async def test_a_provider_that_fails_in_its_own_way_is_asked_again(tmp_path, caplog, monkeypatch):
    encryption = opened(tmp_path)
    fails = [True]
    real = encryption.file.read

    async def read():
        if fails.pop() if fails else False:
            raise LookupError("the service is gone: secret")
        return await real()

    monkeypatch.setattr(encryption.file, "read", read)
    with caplog.at_level(logging.ERROR, "zenith"):
        await encryption.start()
        await until(lambda: "LookupError" in caplog.text)
        await encryption.file.change(rotated)
        await until(lambda: len(encryption.keyring.keys) == 2)
        await encryption.stop()
    assert "secret" not in caplog.text


def test_settings_are_checked(tmp_path):
    with pytest.raises(ConfigurationError, match="more than one"):
        EncryptionSettings(key=Secret(MASTER), key_file=tmp_path)
    with pytest.raises(ConfigurationError, match="ZENITH_ENCRYPTION__KEY"):
        EncryptionSettings(key=Secret("short"))
    with pytest.raises(ConfigurationError, match="REFRESH"):
        EncryptionSettings(refresh=0)


async def test_keys_of_a_copy_that_was_put_back_are_refused(tmp_path):
    await KeyFile(tmp_path / "encryption.json", EnvironmentKeyProvider({"K": MASTER}, "K")).create()
    encryption = await asyncio.to_thread(opened, tmp_path)
    file = encryption.file
    former = file.path.read_text()
    await file.change(rotated)
    assert await encryption.refresh() is True
    held = encryption.keyring.keys
    file.path.write_text(former)
    # As many changes as before, then more: neither is what the others hold.
    for _ in range(2):
        await file.change(rotated)
        with pytest.raises(ConfigurationError, match="lacks keys that are in use"):
            await encryption.refresh()
        assert encryption.keyring.keys == held


def test_a_rotation_that_somebody_else_went_past_does_not_come_back():
    ring = KeySet.new().values
    slow = add_pending(ring, now=1.0)
    finish(ring, slow)
    finish(ring, slow)
    finish(ring, add_pending(ring, now=2.0))
    with pytest.raises(ConfigurationError, match="no longer waits"):
        finish(ring, slow)
    assert ring.active.created == 2.0
    assert pending(ring) is None


async def test_a_link_leads_all_to_one_file(file, tmp_path):
    await file.create()
    (tmp_path / "release").mkdir()
    link = tmp_path / "release" / "keys.json"
    link.symlink_to(file.path)
    by_link = KeyFile(link, file._provider)
    await asyncio.gather(*(each.change(rotated) for each in (by_link, file)))
    assert link.is_symlink()
    assert [each.name for each in link.parent.iterdir()] == ["keys.json"]
    assert (await file.read()).generation == (await by_link.read()).generation == 3


async def test_another_provider_takes_the_file_over(file):
    made = await file.create()
    other = EnvironmentKeyProvider({"O": OTHER}, "O")
    assert await file.rewrap(other)
    assert not await file.rewrap(other)
    read = await KeyFile(file.path, other).read()
    assert (read.values.keys, read.generation) == (made.values.keys, made.generation + 1)
    with pytest.raises(ConfigurationError):
        await file.read()
    third = EnvironmentKeyProvider({"T": OTHER[::-1]}, "T")
    with pytest.raises(ConfigurationError):
        await file.rewrap(third)
    assert await KeyFile(file.path, other).rewrap(other, anew=True)


async def test_a_provider_that_cannot_wrap_changes_nothing(file):
    await file.create()
    before = file.path.read_bytes()
    with pytest.raises(ConfigurationError):
        await file.rewrap(EnvironmentKeyProvider({}, "MISSING"))
    assert file.path.read_bytes() == before


async def test_what_a_killed_writer_has_left_is_cleared_away(file):
    draft = file.path.with_name("keys.json.draft")
    draft.write_text("half of a docum")
    await file.create()
    assert not draft.exists()
    await file.read()


async def test_keys_that_were_destroyed_long_ago_may_be_missing(tmp_path):
    encryption = opened(tmp_path)
    file = encryption.file

    def full(keys):
        ring = keys.values
        gone = [
            DataKey(n.to_bytes(4, "big"), None, KeyState.DESTROYED, float(n))
            for n in range(MAX_DESTROYED)
        ]
        ring.replace([*ring.keys, *gone])

    def further(keys):
        former = keys.values.active.id
        keys.values.rotate(add_pending(keys.values, now=5.0))
        retire(keys.values, former)

    await file.change(full)
    assert await encryption.refresh()
    await file.change(further)
    assert await encryption.refresh()
    assert b"\x00" * 4 not in {key.id for key in encryption.keyring.keys}


def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OSError, match="no file"):
        key_file._text(tmp_path / "pipe")
