"""`zenith keys generate | reencrypt`, and what `list`, `rotate` and `retire` do for encryption."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from zenith.assembly.encryption import section, with_development_key
from zenith.cli.key_events import Record, recorded, tell_unrecorded
from zenith.cli.output import ExitCode, fail, fail_with, say, show_json
from zenith.cli.progress import Bar
from zenith.encryption import DataKey, EncryptionSettings, KeyFile, KeySet, KeyState
from zenith.encryption.encryption import key_file
from zenith.encryption.key_set import KeyUse, add_pending, finish, pending, retire
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.events import EventType
from zenith.settings import Settings
from zenith.stores.key_file import read_or_make_key

T = TypeVar("T")
MARGIN: Final = 2.0
"""Seconds that processes get beyond two of their looks at the keys."""
TICK: Final = 0.2
USES: Final[tuple[KeyUse, ...]] = ("values", "indexes")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def generate(
    path: Annotated[
        Path | None,
        typer.Option("--key-file", help="Make the key-encryption key too, in this new file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys of encrypted values: random, and wrapped by the key-encryption key."""
    settings = _settings()
    own = _with_key(settings, path)
    try:
        file = key_file(own, folder=settings.home)
    except ConfigurationError as error:
        fail_with(error)
    if file.path.exists():
        fail(
            f"there are keys in {file.path}",
            fix="replace them by `zenith keys rotate --encryption`",
        )

    async def work(record: Record) -> KeySet:
        keys = await file.create()
        ids = [_active(keys, use) for use in USES]
        await record(EventType.ENCRYPTION_KEYS_CREATED, str(file.path), ids=ids)
        return keys

    keys, reason = recorded(settings, work)
    if as_json:
        show_json(
            {
                "keyring": str(file.path),
                "key_file": None if own.key_file is None else str(own.key_file),
                "id": _active(keys, "values"),
                "recorded": not reason,
            }
        )
        return
    _say_made(file, keys, own.key_file)
    tell_unrecorded(reason)


def documents(settings: Settings) -> list[dict[str, Any]] | None:
    """The keys of encryption; None where there are none."""
    file = file_of(settings)
    return None if file is None else _told(wait(file.read()))


def rotate_encryption(settings: Settings, use: KeyUse, *, now: bool, as_json: bool) -> None:
    """Make the next key, let all processes learn it, and let it encrypt."""
    file = file_of(settings)
    if file is None:
        fail("there are no encryption keys", fix="zenith keys generate", code=ExitCode.USAGE)
    former = _active(wait(file.read()), use)
    fresh: list[DataKey] = []
    wait(file.change(lambda keys: fresh.append(add_pending(keys.ring(use), now=wall_clock()))))
    if not now:
        _let_processes_learn(_time_to_learn(settings))
    made = fresh[0].id.hex()

    async def work(record: Record) -> KeySet:
        await record(EventType.ENCRYPTION_KEY_ROTATED, made, use=use, former=former)
        return await file.change(lambda keys: finish(keys.ring(use), fresh[0]))

    _, reason = recorded(settings, work)
    if as_json:
        show_json({"use": use, "id": made, "former": former, "recorded": not reason})
        return
    say(f"key {made} {'encrypts' if use == 'values' else 'indexes'}; {former} only reads")
    say("next: zenith keys reencrypt main:app")
    tell_unrecorded(reason)


def knows(settings: Settings, key_id: str) -> KeyUse | None:
    """Which ring has the key with this id."""
    file = file_of(settings)
    if file is None:
        return None
    keys = wait(file.read())
    for use in USES:
        if key_id in {key.id.hex() for key in keys.ring(use).keys}:
            return use
    return None


def let_writers_end(settings: Settings) -> None:
    """Wait until all processes have read the keys as they are.

    Threat: a row that a process writes under the former key, of whose end it has not heard yet,
    after all rows were looked at and before the key is destroyed.
    """
    file = file_of(settings)
    if file is not None:
        most = _time_to_learn(settings)
        left = file.path.stat().st_mtime + most - wall_clock()
        if left > 0:
            _let_processes_learn(min(left, most))


def retire_encryption(settings: Settings, use: KeyUse, key_id: str) -> str:
    """Destroy a key, for good; why there is no record of it, empty where there is one."""
    file = file_of(settings)
    if file is None:
        return ""

    async def work(record: Record) -> KeySet:
        await record(EventType.ENCRYPTION_KEY_DESTROYED, key_id, use=use)
        return await file.change(lambda keys: retire(keys.ring(use), bytes.fromhex(key_id)))

    return recorded(settings, work)[1]


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Do it; an error of ours ends the command."""
    try:
        return asyncio.run(work)
    except (ConfigurationError, SecurityError) as error:
        fail_with(error)


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except ConfigurationError as error:
        fail_with(error)


def _with_key(settings: Settings, path: Path | None) -> EncryptionSettings:
    try:
        own = section(settings)
        if path is None:
            is_ready = own.has_key or settings.is_production
            return own if is_ready else with_development_key(own, settings.home)
        if own.has_key:
            fail("a key-encryption key is set", fix="leave --key-file out", code=ExitCode.USAGE)
        if path.exists():
            fail(f"{path} exists", fix="name a new file, or set ZENITH_ENCRYPTION__KEY_FILE to it")
        read_or_make_key(path)
        return replace(own, key_file=path)
    except ConfigurationError as error:
        fail_with(error)


def file_of(settings: Settings) -> KeyFile | None:
    """The file of keys, if there is one. Nothing is made."""
    own = settings.encryption
    if own is None:
        return None
    if not own.has_key and not settings.is_production:
        path = settings.home / "encryption.key"
        own = replace(own, key_file=path) if path.exists() else own
    if not own.has_key:
        return None
    file = key_file(own, folder=settings.home)
    return file if file.path.exists() else None


def _time_to_learn(settings: Settings) -> float:
    return 2 * section(settings).refresh + MARGIN


def _let_processes_learn(seconds: float) -> None:
    end = time.monotonic() + seconds
    with Bar("processes learn the key", total=seconds) as bar:
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK, left))
            bar.show(seconds - left)


def _say_made(file: KeyFile, keys: KeySet, key: Path | None) -> None:
    say(f"made the keys in {file.path}; key {keys.values.active.id.hex()} encrypts")
    if key is not None:
        say(f"they open with {key}: set ZENITH_ENCRYPTION__KEY_FILE={key}")
    say("keep a copy of each, apart from the other and from the data: without them it is lost")


def _active(keys: KeySet, use: KeyUse) -> str:
    return keys.ring(use).active.id.hex()


def _told(keys: KeySet) -> list[dict[str, Any]]:
    return [_document(keys, use, key) for use in USES for key in keys.ring(use).keys]


def _document(keys: KeySet, use: KeyUse, key: DataKey) -> dict[str, Any]:
    waits = key == pending(keys.ring(use))
    does = {KeyState.ACTIVE: "encrypts", KeyState.DECRYPT_ONLY: "reads"}.get(key.state, "destroyed")
    return {
        "id": key.id.hex(),
        "use": use,
        "state": "planned" if waits else does,
        "created_at": datetime.fromtimestamp(key.created, UTC).isoformat(timespec="seconds"),
    }
