"""What TLS is spoken with, and certificates that are renewed while it is."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import ConfigurationError

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 section 4.2)."""
ASK_EVERY: Final = 60.0
"""Seconds between two looks at whether a certificate was renewed."""
_log: Final = logging.getLogger("zenith.server")
Renewal: TypeAlias = Callable[[], bool]
"""Whether the files hold another certificate than before; may renew it first."""


class ServerContext(ssl.SSLContext):
    """A context that also knows what the port needs that speaks it."""

    origin: str = ""
    """Where people who speak http are sent."""
    handshake_timeout: float = 10.0
    """Seconds."""


def server_context(
    certificate: Path, key: Path, *, renewed: Renewal | None = None, clock: Clock = steady_clock
) -> ServerContext:
    """TLS 1.2 and 1.3 with this chain and key (ASVS 12.1.1, 12.1.2; RFC 9325).

    `renewed` is asked at a handshake, at most once a minute; the files are then read again, so that
    no restart is needed. Files that cannot be used at that time are said and not used. Raises
    ConfigurationError for files that cannot be used at the start.
    """
    context = present = _context(certificate, key)
    asked, is_due = clock(), False

    def look(connection: ssl.SSLObject, *_: object) -> None:
        nonlocal asked, is_due, present
        now = clock()
        if renewed is not None and now - asked >= ASK_EVERY:
            asked = now
            try:
                # What could not be used is tried again: rights change without the file.
                is_due = renewed() or is_due
                if is_due:
                    present, is_due = _context(certificate, key), False
            except (ConfigurationError, OSError, ValueError) as error:
                _log.error("the certificate stays as it was: %s", error)
        connection.context = present

    context.sni_callback = look
    return context


def _context(certificate: Path, key: Path) -> ServerContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    _load(context, certificate, key)
    return context


def file_renewal(*paths: Path) -> Renewal:
    """Whether one of the files was replaced since it was last asked."""
    seen = _times(paths)

    def renewed() -> bool:
        nonlocal seen
        before, seen = seen, _times(paths)
        return before != seen

    return renewed


def _times(paths: tuple[Path, ...]) -> list[int]:
    return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # The empty password: OpenSSL would ask at the terminal for another.
        context.load_cert_chain(certificate, key, password="")
    except FileNotFoundError:
        missing = next(path for path in (certificate, key) if not path.exists())
        raise ConfigurationError(f"{missing} does not exist", fix="correct the path") from None
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"{certificate} and {key} are not usable: {error.reason or 'no PEM'}",
            fix="give the chain and its own key in PEM, the key without a password",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{certificate} or {key}: {error.strerror}", fix="let the server's user read them"
        ) from None
