"""Who holds the key-encryption key: a file, the environment, a command, or a service."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from zenith.encryption.context import Context
from zenith.encryption.service import EncryptionService
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength

MAX_SECRET: Final = 4096
"""Bytes of a file, or of what a command prints."""
SECONDS: Final = 30.0
GRACE: Final = 1.0
"""Seconds that a killed command gets to be gone."""
DATA_KEY: Final = Context("data-key")


class KeyProvider(Protocol):
    """Wraps data keys under a key-encryption key that it keeps to itself (envelope encryption).

    It is the form in which a key management service is asked. `context` says which data key it is:
    a wrapped key opens for its own context only.
    """

    async def wrap(self, data_key: bytes, *, context: str) -> bytes:
        """Encrypt a data key."""
        ...

    async def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The data key; raises DecryptionError if it is not what was wrapped for `context`."""
        ...


class SecretKeyProvider(ABC):
    """Wraps here, under a key derived from a secret that it reads each time anew."""

    name: str
    """What the secret is called in errors."""

    @abstractmethod
    async def read(self) -> str:
        """The secret; raises ConfigurationError where it cannot be had."""

    async def wrap(self, data_key: bytes, *, context: str) -> bytes:
        """Encrypt a data key; raises ConfigurationError if the secret is weak or not there."""
        return (await self._service()).seal(data_key, DATA_KEY, row=context)

    async def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The data key; raises DecryptionError, and ConfigurationError as `wrap` does."""
        return (await self._service()).open(wrapped, DATA_KEY, row=context)

    async def _service(self) -> EncryptionService:
        secret = Secret((await self.read()).strip())
        check_strength(secret, setting=self.name)
        return EncryptionService(secret)


class EnvironmentKeyProvider(SecretKeyProvider):
    """The secret is a variable: `EnvironmentKeyProvider(os.environ, "APP_MASTER_KEY")`.

    Threat: other processes of the same user can read it; a file or a command tells fewer.
    """

    def __init__(self, variables: Mapping[str, str], name: str) -> None:
        self._variables: Final = variables
        self.name = name

    async def read(self) -> str:
        """The variable."""
        value = self._variables.get(self.name)
        if not value:
            raise ConfigurationError(f"{self.name} is not set", fix="set it to a random key")
        return value


class FileKeyProvider(SecretKeyProvider):
    """The secret is a file that nobody but its owner can read, such as a mounted secret.

    Threat: a key that other users of the machine read, or that one of them put there (ASVS 13.3.2).
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self.name = str(path)

    async def read(self) -> str:
        """The file's text, read in a thread."""
        try:
            return await asyncio.to_thread(self._read)
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(
                f"{self._path} cannot be read", fix="make it a text file of this user"
            ) from None

    def _read(self) -> str:
        # One open file is looked at and read: nobody can put another in its place in between.
        with open_at_once(self._path) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{self._path} is no file", fix="name a file")
            if os.name == "posix" and status.st_mode & 0o077:
                raise ConfigurationError(
                    f"{self._path} can be read by other users of this machine",
                    fix=f"chmod 600 {self._path}",
                )
            if os.name == "posix" and status.st_uid not in (os.geteuid(), 0):
                raise ConfigurationError(
                    f"{self._path} belongs to another user", fix="make it a file of this user"
                )
            data = file.read(MAX_SECRET + 1)
            if len(data) > MAX_SECRET:
                raise ConfigurationError(f"{self._path} holds no key", fix="name the key's file")
            return data.decode("ascii")


def open_at_once(path: Path) -> BinaryIO:
    """A file to read, whatever it turns out to be: a pipe without a writer is not waited for.

    Threat: whoever puts a named pipe in a file's place stops the start of the application.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    return os.fdopen(os.open(path, flags | getattr(os, "O_CLOEXEC", 0)), "rb")


class CommandKeyProvider(SecretKeyProvider):
    """The secret is what a command prints: a password manager, a vault's client.

    `command` is the path of a program and its arguments; no shell reads it. It gets `environment`
    alone, no terminal, and `seconds` to answer.

    Threat: a command that hangs, or prints without end, and stops the start of the application; it
    is ended with all that it has started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        if isinstance(command, str) or not command:
            raise ConfigurationError(
                "the command of a key is no list", fix='write ["vault", "read", ...]'
            )
        self._command: Final = tuple(command)
        self.name = f"the output of {self._command[0]}"
        self._environment: Final = dict(environment or {})
        self._seconds: Final = seconds

    async def read(self) -> str:
        """What the command prints on its standard output; its errors are not repeated."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        except OSError:
            raise self._failed("cannot be started") from None
        try:
            printed = await asyncio.wait_for(_printed(process), self._seconds)
        except TimeoutError:
            raise self._failed("does not answer") from None
        finally:
            await _end(process)
        if process.returncode or len(printed) > MAX_SECRET or not printed.isascii():
            raise self._failed("fails, or prints no key")
        return printed.decode("ascii")

    def _failed(self, how: str) -> ConfigurationError:
        return ConfigurationError(
            f"the command of a key {how}: {self._command[0]}", fix="run it by hand as this user"
        )


async def _printed(process: asyncio.subprocess.Process) -> bytes:
    """What a command prints, and no more of it than shows that it is too much."""
    printed = b""
    while process.stdout and len(printed) <= MAX_SECRET:
        block = await process.stdout.read(MAX_SECRET)
        if not block:
            await process.wait()
            break
        printed += block
    return printed


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that goes on, and what it has started, which would hold its output open."""
    is_open = process.stdout is not None and not process.stdout.at_eof()
    if process.returncode is None or is_open:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), GRACE)
