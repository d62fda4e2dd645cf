"""Certificates for https in development, kept in files: the authority's, and the server's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import new_token
from zenith.kernel.records import dataclass
from zenith.server.authority import (
    RENEW_DAYS,
    Issued,
    days_left,
    issue_leaf,
    make_authority,
    serves,
)
from zenith.server.tls import ServerContext, file_renewal, server_context

FOLDER: Final = "https"
OWNER_ONLY: Final = 0o600
EVERYBODY: Final = 0o644


@dataclass(frozen=True, slots=True)
class LocalCertificates:
    """What lies in one folder. Threat: an authority's key that others of the machine can read."""

    folder: Path
    clock: Clock = wall_clock

    @property
    def authority(self) -> Path:
        """The certificate that browsers are told to trust."""
        return self.folder / "authority.pem"

    @property
    def authority_key(self) -> Path:
        """Its key, readable by its owner only."""
        return self.folder / "authority.key"

    @property
    def server(self) -> Path:
        """The server's chain and key, readable by its owner only."""
        return self.folder / "server.pem"

    def make(self, names: Sequence[str] = ()) -> None:
        """Make a new authority; what the old one issued is removed with it."""
        made = make_authority(names, now=self.clock())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.server.unlink(missing_ok=True)
        _write(self.authority_key, made.key, OWNER_ONLY)
        _write(self.authority, made.certificate, EVERYBODY)

    def open(self, names: Sequence[str] = ()) -> bool:
        """Make an authority if there is none, or none any more; whether it was made just now.

        Raises ConfigurationError where others can read its key.
        """
        if not (self.authority.exists() and self.authority_key.exists()):
            self.make(names)
            return True
        if days_left(self.authority.read_bytes(), now=self.clock()) < RENEW_DAYS:
            raise ConfigurationError(
                f"{self.authority} ends or has ended",
                fix="make a new one and trust it: zenith https new",
            )
        return False

    def renew(self, names: Sequence[str]) -> bool:
        """Issue the server's certificate, if it ends soon or is for other names."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            held = self.server.read_bytes()
            left = days_left(held, now=self.clock())
            if left >= RENEW_DAYS and serves(held, names):
                return False
        authority = Issued(
            certificate=self.authority.read_bytes(), key=_read_private(self.authority_key)
        )
        leaf = issue_leaf(authority, names, now=self.clock())
        _write(self.server, leaf.key + leaf.certificate, OWNER_ONLY)
        return True


def local_context(
    folder: Path, names: tuple[str, ...], origin: str, handshake_timeout: float, *_: object
) -> ServerContext:
    """The context of a development server; its certificate is renewed while it runs."""
    files = LocalCertificates(folder)
    files.open(names)
    files.renew(names)
    changed = file_renewal(files.server)

    def renewed() -> bool:
        # Of several processes one issues it, and all serve it.
        files.renew(names)
        return changed()

    context = server_context(files.server, files.server, renewed=renewed)
    context.origin, context.handshake_timeout = origin, handshake_timeout
    return context


def given_context(
    certificate: Path, key: Path, origin: str, handshake_timeout: float, *_: object
) -> ServerContext:
    """The context of a server with a certificate of its own, read again when it is replaced."""
    context = server_context(certificate, key, renewed=file_renewal(certificate, key))
    context.origin, context.handshake_timeout = origin, handshake_timeout
    return context


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise ConfigurationError(
                f"{path} can be read by other users of this machine",
                fix=f"chmod 600 {path}; if others may have read it: zenith https new",
            )
        return file.read()


def _write(path: Path, data: bytes, mode: int) -> None:
    # Written aside and moved into place: nobody ever reads half a file.
    draft = path.with_name(f"{path.name}.{new_token(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
