"""A random key on disk, for development: made once, readable by its owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength, new_token

OWNER_ONLY = 0o600
KEY_BYTES = 48
MAX_SIZE = 4096


def read_or_make_key(path: Path) -> tuple[Secret, bool]:
    """The key in `path`, and whether it was made just now.

    Threat: a key that other users of the machine read, or that one of them put there (ASVS 13.3.2).
    Of several processes that start at once, one makes the file and all read it. Raises
    ConfigurationError if others may read it or own it, if it holds no strong key, or if it can be
    neither read nor made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _make(path)
        text = _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}",
            fix="set ZENITH_HOME to a folder of your own, or ZENITH_SECRET_KEY to a key",
        ) from None
    secret = Secret(text)
    check_strength(secret, setting=str(path))
    return secret, made


def _read(path: Path) -> str:
    # One open file is looked at and read: nobody can put another in its place in between.
    # At once, whatever it is: a pipe without a writer is not waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{path} is no file", fix="remove it: a new key is made")
        if os.name == "posix":
            _check_owner(path, status)
        return file.read(MAX_SIZE).decode("ascii", "replace").strip()


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_mode & 0o077:
        raise ConfigurationError(
            f"{path} can be read by other users of this machine",
            fix=f"chmod 600 {path}, or delete it: a new key signs everybody out",
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"{path} belongs to another user of this machine",
            fix="set ZENITH_HOME to a folder of your own",
        )


def _make(path: Path) -> bool:
    if path.exists():
        return False
    # Written aside and linked into place: nobody ever reads half a key, and only one link succeeds.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{new_token(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_token(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
