"""A random key on disk, for development: made once, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength, new_token

OWNER_ONLY = 0o600
KEY_BYTES = 48


def read_or_make_key(path: Path) -> tuple[Secret, bool]:
    """The key in `path`, and whether it was made just now.

    Of several processes that start at once, one makes the file and all read it. Raises
    ConfigurationError if others may read it, or if it holds no strong key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _make(path)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"{path} can be read by other users of this machine",
            fix=f"chmod 600 {path}, or delete it: a new key signs everybody out",
        )
    secret = Secret(path.read_text(encoding="ascii", errors="replace").strip())
    check_strength(secret, setting=str(path))
    return secret, made


def _make(path: Path) -> bool:
    if path.exists():
        return False
    # Written aside and linked into place: nobody ever reads half a key, and only one link succeeds.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{new_token(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_token(KEY_BYTES) + "\n")
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
