"""`zenith keys rewrap`: another key-encryption key, and values stay as they are."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from zenith.assembly.encryption import section
from zenith.cli.encryption_keys import file_of
from zenith.cli.key_events import Record, recorded, tell_unrecorded
from zenith.cli.output import ExitCode, fail, fail_with, say, show_json
from zenith.encryption import EncryptionSettings, EnvironmentKeyProvider, KeyProvider
from zenith.encryption.encryption import provider_of
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.settings import Settings
from zenith.stores.key_file import read_or_make_key

PREFIX: Final = "ZENITH_ENCRYPTION__"
NO_KEY: Final[dict[str, Any]] = {"key": None, "key_file": None, "key_command": (), "kms_key": ""}


KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="The new key's file; made if there is none.")
]
Variable = Annotated[
    str, typer.Option("--key-variable", help="The variable that holds the new key.")
]
Command = Annotated[
    list[str] | None,
    typer.Option("--key-command", help="A program that prints it; again for each argument."),
]
KmsKey = Annotated[
    str, typer.Option("--kms-key", help="A service's key, as in ZENITH_ENCRYPTION__KMS_KEY.")
]
Context = Annotated[
    str, typer.Option("--kms-context", help="The deployment, if it has another name now.")
]
Endpoint = Annotated[
    str, typer.Option("--kms-endpoint", help="The service's address, if it is another.")
]
SigningKey = Annotated[
    str, typer.Option("--kms-signing-key", help="The second key, for Azure Key Vault.")
]
TokenFile = Annotated[
    Path | None, typer.Option("--kms-token-file", help="The file with the token, for Vault.")
]


def rewrap(
    key_file: KeyFile = None,
    key_variable: Variable = "",
    key_command: Command = None,
    kms_key: KmsKey = "",
    kms_context: Context = "",
    kms_endpoint: Endpoint = "",
    kms_signing_key: SigningKey = "",
    kms_token_file: TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Wrap the keys of encryption by another key-encryption key. The settings name the present one,
    the options the new one; without options a service's key wraps a fresh one.

    It may be killed at any moment and begun again.
    """
    try:
        settings = Settings.from_env()
        own = section(settings)
        service = {
            "kms_key": kms_key,
            "kms_context": kms_context,
            "kms_endpoint": kms_endpoint,
            "kms_signing_key": kms_signing_key,
            "kms_token_file": kms_token_file,
        }
        target = _target(own, key_file, tuple(key_command or ()), service)
        done, reason = _change(settings, own, target, key_variable)
    except ConfigurationError as error:
        fail_with(error)
    if as_json:
        show_json({"rewrapped": done, "recorded": not reason})
        return
    say("the keys are wrapped anew" if done else "this key wraps the keys already")
    say(f"next: set {_named(target, key_variable)}, restart what runs, and keep the former key")
    say("only for as long as there are former copies of the file, which it opens")
    tell_unrecorded(reason)


def _change(
    settings: Settings, own: EncryptionSettings, target: EncryptionSettings, variable: str
) -> tuple[bool, str]:
    file = file_of(settings)
    if file is None:
        fail("there are no encryption keys", fix="zenith keys generate", code=ExitCode.USAGE)
    provider = _provider(target, variable)
    anew = not variable and bool(own.kms_key) and own.kms_key == target.kms_key

    async def work(record: Record) -> bool:
        await record(
            EventType.ENCRYPTION_KEYS_REWRAPPED, str(file.path), by=_named(target, variable)
        )
        return await file.rewrap(provider, anew=anew)

    return recorded(settings, work)


def _target(
    own: EncryptionSettings,
    key_file: Path | None,
    command: tuple[str, ...],
    service: dict[str, Any],
) -> EncryptionSettings:
    given = {name: value for name, value in service.items() if value}
    if key_file is not None:
        read_or_make_key(key_file)
    if given and not given.get("kms_key"):
        given["kms_key"] = own.kms_key
    named = {**NO_KEY, "key_file": key_file, "key_command": command, **given}
    if not any(named[name] for name in NO_KEY):
        named["kms_key"] = own.kms_key
    return replace(own, **named)


def _provider(target: EncryptionSettings, variable: str) -> KeyProvider:
    if not variable:
        return provider_of(target)
    if target.key_file or target.key_command:
        fail("more than one new key is named", fix="name one", code=ExitCode.USAGE)
    return EnvironmentKeyProvider(os.environ, variable)


def _named(target: EncryptionSettings, variable: str) -> str:
    """The setting that will hold the new key."""
    if variable:
        return f"{PREFIX}KEY"
    held = {"KEY_FILE": target.key_file, "KEY_COMMAND": target.key_command}
    return PREFIX + next((name for name, value in held.items() if value), "KMS_KEY")
