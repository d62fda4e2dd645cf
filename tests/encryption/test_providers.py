from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.encryption.conftest import MASTER, OTHER
from zenith.encryption import (
    CommandKeyProvider,
    DataKey,
    DecryptionError,
    EnvironmentKeyProvider,
    FileKeyProvider,
    KeyFile,
    Keyring,
    KeySet,
    KeyState,
    key_document,
    providers,
    unwrap_keys,
    wrap_keys,
)
from zenith.encryption.key_document import MAX_DOCUMENT
from zenith.kernel.errors import ConfigurationError

ENVIRONMENT = EnvironmentKeyProvider({"APP_KEY": MASTER, "OTHER": OTHER, "NONE": ""}, "APP_KEY")


def ring() -> Keyring:
    made = Keyring([DataKey.new(now=1.5).within(KeyState.ACTIVE), DataKey.new(), DataKey.new()])
    made.destroy(made.keys[2].id)
    return made


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(MASTER + "\n")
    path.chmod(0o600)
    return path


async def test_a_wrapped_key_opens_for_its_context_and_provider():
    wrapped = await ENVIRONMENT.wrap(b"k" * 32, context="a")
    assert await ENVIRONMENT.unwrap(wrapped, context="a") == b"k" * 32
    other = EnvironmentKeyProvider({"APP_KEY": OTHER}, "APP_KEY")
    with pytest.raises(DecryptionError):
        await ENVIRONMENT.unwrap(wrapped, context="b")
    with pytest.raises(DecryptionError):
        await other.unwrap(wrapped, context="a")


@pytest.mark.parametrize("name", ["NONE", "MISSING"])
async def test_a_variable_that_is_not_set_is_named(name):
    with pytest.raises(ConfigurationError, match=name):
        await EnvironmentKeyProvider({"NONE": ""}, name).read()


async def test_a_file_holds_the_same_key(key_file):
    wrapped = await ENVIRONMENT.wrap(b"k", context="a")
    assert await FileKeyProvider(key_file).unwrap(wrapped, context="a") == b"k"


async def test_files_of_others_and_no_files_are_refused(key_file, tmp_path):
    key_file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        await FileKeyProvider(key_file).read()
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigurationError):
            await FileKeyProvider(path).read()


async def test_a_device_is_no_key_file():
    with pytest.raises(ConfigurationError, match="no file"):
        await FileKeyProvider(Path("/dev/null")).read()


async def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    async with asyncio.timeout(5):
        with pytest.raises(ConfigurationError, match="no file"):
            await FileKeyProvider(pipe).read()
        with pytest.raises(ConfigurationError, match="cannot be read"):
            await KeyFile(pipe, ENVIRONMENT).read()
    with pytest.raises(ConfigurationError, match="no file"):
        FileKeyProvider(pipe)._read()


def test_files_are_read_in_the_calling_thread_too(key_file):
    assert FileKeyProvider(key_file)._read().strip() == MASTER
    with pytest.raises(ConfigurationError, match="no file"):
        FileKeyProvider(Path("/dev/null"))._read()
    key_file.chmod(0o604)
    with pytest.raises(ConfigurationError, match="chmod"):
        FileKeyProvider(key_file)._read()


def test_the_owner_of_a_file_is_looked_at(key_file, monkeypatch):
    status = list(key_file.stat())
    status[4] = 12345
    monkeypatch.setattr(providers.os, "fstat", lambda descriptor: os.stat_result(status))
    with pytest.raises(ConfigurationError, match="another user"):
        FileKeyProvider(key_file)._read()
    monkeypatch.setattr(providers.os, "name", "nt")
    assert FileKeyProvider(key_file)._read().strip() == MASTER


async def test_a_file_that_is_no_text_is_refused(key_file):
    key_file.write_bytes(b"\xff" * 50)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await FileKeyProvider(key_file).read()


async def test_a_command_prints_the_key_and_sees_its_own_environment_only(monkeypatch):
    monkeypatch.setenv("LEAKED", "yes")
    script = "import os; print(os.environ['KEY'], end=os.environ.get('LEAKED', ''))"
    provider = CommandKeyProvider([sys.executable, "-c", script], environment={"KEY": MASTER})
    assert await provider.read() == MASTER


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit(3)", "fails"),
        ("print('x' * 5000)", "fails"),
        ("print('é')", "fails"),
        ("import time; time.sleep(60)", "does not answer"),
    ],
)
async def test_a_command_that_fails_is_told_without_what_it_printed(script, message):
    provider = CommandKeyProvider([sys.executable, "-X", "utf8", "-c", script], seconds=1)
    with pytest.raises(ConfigurationError, match=message):
        await provider.read()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "fails"),
        ("sleep 60; echo key", "does not answer"),
        ("sleep 60 & echo key", "does not answer"),
        ("exec >&-; sleep 60", "does not answer"),
        ("sleep 60 & trap '' TERM; while :; do sleep 1; done", "does not answer"),
    ],
)
async def test_a_command_ends_with_all_that_it_has_started(command, message):
    """One that prints without end, or whose children hold its output, stopped every start."""
    provider = CommandKeyProvider(["/bin/sh", "-c", f"PATH=/bin:/usr/bin; {command}"], seconds=0.5)
    async with asyncio.timeout(20):
        with pytest.raises(ConfigurationError, match=message):
            await provider.read()


async def test_a_file_that_is_longer_than_any_key_is_none(key_file):
    key_file.write_text(MASTER * 200)
    with pytest.raises(ConfigurationError, match="no key"):
        await FileKeyProvider(key_file).read()
    with pytest.raises(ConfigurationError, match="no key"):
        FileKeyProvider(key_file)._read()


async def test_a_command_is_a_program_that_exists_and_no_shell_line():
    with pytest.raises(ConfigurationError, match="cannot be started"):
        await CommandKeyProvider(["/no/such/program"]).read()
    for none in ("vault read key", []):
        with pytest.raises(ConfigurationError, match="list"):
            CommandKeyProvider(none)


def key_set() -> KeySet:
    return KeySet(ring(), ring(), generation=7)


async def test_keys_are_kept_as_a_document_and_come_back():
    keys = key_set()
    document = await wrap_keys(keys, ENVIRONMENT)
    for own in (keys.values, keys.indexes):
        assert all(key.material is None or key.material.hex() not in document for key in own.keys)
    read = await unwrap_keys(document, ENVIRONMENT)
    assert (read.values.keys, read.indexes.keys) == (keys.values.keys, keys.indexes.keys)
    assert read.generation == 7


async def test_another_key_encryption_key_takes_over():
    other = EnvironmentKeyProvider({"APP_KEY": OTHER}, "APP_KEY")
    keys = key_set()
    document = await wrap_keys(keys, ENVIRONMENT)
    moved = await wrap_keys(await unwrap_keys(document, ENVIRONMENT), other)
    assert (await unwrap_keys(moved, other)).values.keys == keys.values.keys
    with pytest.raises(ConfigurationError):
        await unwrap_keys(moved, ENVIRONMENT)


@pytest.mark.parametrize("weak", ["tooweak", "a" * 48])
async def test_a_weak_key_encryption_key_is_named_and_not_shown(weak):
    with pytest.raises(ConfigurationError, match="APP_KEY") as caught:
        await EnvironmentKeyProvider({"APP_KEY": weak}, "APP_KEY").wrap(b"k", context="a")
    assert weak not in str(caught.value)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", "00000000"),
        ("id", 5),
        ("id", "zz"),
        ("state", "decrypt-only"),
        ("state", "destroyed"),
        ("state", "other"),
        ("created", 2.5),
        ("created", float("inf")),
        ("wrapped", "AAAA"),
        ("wrapped", None),
        ("more", 1),
    ],
)
@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize("use", ["values", "indexes"])
async def test_changed_entries_do_not_open(member, value, use, seal, monkeypatch):
    """Not even where somebody could seal the document: each key is bound to what is said of it."""
    read = json.loads(await wrap_keys(key_set(), ENVIRONMENT))
    read[use][0][member] = value
    if seal:

        async def passes(read, provider):
            read.pop("seal")

        monkeypatch.setattr(key_document, "_check_seal", passes)
    with pytest.raises(ConfigurationError):
        await unwrap_keys(json.dumps(read), ENVIRONMENT)


async def test_a_key_of_indexes_is_none_of_values(monkeypatch):
    async def passes(read, provider):
        read.pop("seal")

    monkeypatch.setattr(key_document, "_check_seal", passes)
    read = json.loads(await wrap_keys(key_set(), ENVIRONMENT))
    read["values"], read["indexes"] = read["indexes"], read["values"]
    with pytest.raises(ConfigurationError):
        await unwrap_keys(json.dumps(read), ENVIRONMENT)


async def test_documents_are_of_one_piece():
    """Entries that are left out, doubled, or genuine and of a former document."""
    keys = key_set()
    old = json.loads(await wrap_keys(keys, ENVIRONMENT))
    keys.values.rotate(keys.values.keys[1])
    new = json.loads(await wrap_keys(keys.next(), ENVIRONMENT))
    mixed = [
        {**new, "values": old["values"]},
        {**new, "indexes": new["indexes"][:2]},
        {**new, "generation": 7},
        {**old, "generation": 8},
        {**new, "seal": old["seal"]},
        {**new, "seal": 5},
    ]
    for each in mixed:
        with pytest.raises(ConfigurationError):
            await unwrap_keys(json.dumps(each), ENVIRONMENT)


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", "5", '{"version": 2, "values": [{}]}', '{"values": []}', "[" * 200_000],
)
async def test_other_documents_do_not_open(document):
    with pytest.raises(ConfigurationError):
        await unwrap_keys(document, ENVIRONMENT)


@pytest.mark.parametrize(("name", "value"), [("generation", True), ("version", 2), ("values", [])])
async def test_documents_of_other_shapes_do_not_open(name, value):
    read = json.loads(await wrap_keys(key_set(), ENVIRONMENT))
    with pytest.raises(ConfigurationError):
        await unwrap_keys(json.dumps({**read, name: value}), ENVIRONMENT)


async def test_an_oversize_document_is_not_read():
    with pytest.raises(ConfigurationError):
        await unwrap_keys(" " * (MAX_DOCUMENT + 1), ENVIRONMENT)
