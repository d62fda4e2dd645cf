"""`zenith serve`: the ready server, on an embedded database unless told otherwise."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from zenith.assembly import Assembly
from zenith.cli.certificates import FOLDER, given_context, local_context
from zenith.cli.context import read_settings, run
from zenith.cli.output import ExitCode, fail, fail_with, say
from zenith.console import create_server
from zenith.kernel.errors import ConfigurationError
from zenith.server.connections import SPARE_FILES
from zenith.server.listening import MAX_WAITING
from zenith.settings import Settings

Tls: TypeAlias = Callable[..., ssl.SSLContext]
WORKER_PATIENCE: Final = 60
"""Seconds after which a worker that gives no sign is replaced. A new one is silent until it has
read its code; where that took longer than this, none would ever serve."""
ORIGIN: Final = "ZENITH_ORIGIN"
WORKERS: Final = "ZENITH_WORKERS"


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535)] = 8000,
    workers: Annotated[int | None, typer.Option(min=1, help="Server processes.")] = None,
    https: Annotated[
        bool, typer.Option("--https", help="Speak https by a local authority, in development.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Speak https with this chain of certificates, in PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's private key.")] = None,
) -> None:
    """Start the server with accounts and console, and print where to click."""
    protocol = _need_server()
    settings = _settings(host, port, workers, encrypted=https or certificate is not None)
    tls = _tls(settings, https=https, certificate=certificate, key=key)
    _allow_connections(settings, handshakes=0 if tls is None else MAX_WAITING)
    if settings.workers > 1:
        # The workers are new processes: they read their settings from the environment again.
        os.environ[WORKERS] = str(settings.workers)
        os.environ[ORIGIN] = settings.origin
    with _bind(host, port) as listening:
        secret, report = run(_prepare, settings=settings)
        greet = partial(_greet, settings, secret, report, local=https)
        _run_server(settings, listening, protocol, tls, greet)


def _need_server() -> Any:
    try:
        # Only this command needs the server, which is an extra.
        from zenith.server.httptools_protocol import BoundedHttpTools  # noqa: PLC0415
    except ImportError:
        fail(
            "the server is not installed",
            fix="pip install 'zenith-security[server]'",
            code=ExitCode.USAGE,
        )
    return BoundedHttpTools


def _settings(host: str, port: int, workers: int | None, *, encrypted: bool) -> Settings:
    settings = read_settings()
    default = next(field.default for field in fields(Settings) if field.name == "origin")
    given = ORIGIN in os.environ or settings.origin != default
    try:
        if workers is not None:
            settings = replace(settings, workers=workers)
        if not settings.is_production and not given:
            scheme = "https" if encrypted else "http"
            settings = replace(settings, origin=f"{scheme}://{_reachable(host)}:{port}")
    except ConfigurationError as error:
        fail_with(error)
    return settings


def _tls(
    settings: Settings, *, https: bool, certificate: Path | None, key: Path | None
) -> Tls | None:
    """What makes the TLS context, in each process anew; tried out once."""
    if not https and certificate is None and key is None:
        return None
    if https and (settings.is_production or certificate is not None or key is not None):
        fail(
            "--https is for development, by an authority that only your browser trusts",
            fix="with a certificate that visitors trust: --certificate chain.pem --key key.pem",
            code=ExitCode.USAGE,
        )
    wait = settings.server.tls_handshake_timeout
    if https:
        folder = settings.home.absolute() / FOLDER
        make: Tls = partial(local_context, folder, (settings.hostname,), settings.origin, wait)
    elif certificate is not None and key is not None:
        make = partial(given_context, certificate, key, settings.origin, wait)
    else:
        fail(
            "a certificate needs its key, and a key its certificate",
            fix="--certificate chain.pem --key key.pem",
            code=ExitCode.USAGE,
        )
    if not settings.is_https:
        fail(
            f"ZENITH_ORIGIN is {settings.origin}, and the server is to speak https",
            fix="set it to the https origin that users see",
            code=ExitCode.USAGE,
        )
    try:
        make()
    except ConfigurationError as error:
        fail_with(error)
    return make


def _allow_connections(settings: Settings, *, handshakes: int = 0) -> None:
    """Raise this process's limit of open files to what its connections need, where it may."""
    try:
        # Not on Windows.
        import resource  # noqa: PLC0415
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (settings.server.max_connections or 0) + handshakes + SPARE_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _reachable(host: str) -> str:
    """What people type to get to an address that is listened on."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_loopback or address.is_unspecified:
        return "localhost"
    return f"[{host}]" if address.version == 6 else host  # noqa: PLR2004  the version of IP


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else is started; nobody is let in until all is ready."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        other = "choose another port: PORT=9000 make run, or zenith serve --port 9000"
        fixes = {errno.EADDRINUSE: other, errno.EACCES: other}
        fail(
            f"cannot listen on {host}:{port}: {error.strerror}",
            fix=fixes.get(error.errno or 0, "choose an address of this machine, or leave --host"),
            code=ExitCode.UNAVAILABLE,
        )
    listening.set_inheritable(True)
    return listening


async def _prepare(assembly: Assembly) -> tuple[str | None, tuple[str, ...]]:
    return await assembly.accounts.registration.issue_setup_secret(), assembly.report


def _greet(settings: Settings, secret: str | None, report: tuple[str, ...], *, local: bool) -> None:
    say("Zenith is ready", style="bold")
    say(f"  Open      {settings.origin}")
    if not settings.is_production:
        say(f"  API docs  {settings.origin}/docs")
    if secret is not None:
        minutes = int(settings.accounts.setup_link_lifetime // 60)
        say(f"  First run: create the administrator, once, within {minutes} minutes:")
        say(f"            {settings.origin}/setup/{secret}", style="bold")
    if local:
        say("  Browsers warn until they trust the local authority: zenith https trust")
    for line in report:
        say(f"  - {line}")
    say("  Stop with Ctrl-C")
    sys.stdout.flush()


def _config(settings: Settings, protocol: Any, tls: Tls | None) -> Any:
    import uvicorn  # noqa: PLC0415

    # uvicorn declares them as whole seconds and takes any.
    patience: Any = settings.server.shutdown_timeout
    keep_alive: Any = settings.server.keep_alive
    several = settings.workers > 1
    return uvicorn.Config(
        "zenith.console:create_server" if several else create_server(settings),
        factory=several,
        workers=settings.workers,
        http=protocol,
        loop="auto" if tls is None else "zenith.server.listening:new_loop",
        ssl_context_factory=tls,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=patience,
        timeout_worker_healthcheck=WORKER_PATIENCE,
    )


def _run_server(
    settings: Settings,
    listening: socket.socket,
    protocol: Any,
    tls: Tls | None,
    greet: Callable[[], None],
) -> None:
    from zenith.cli.workers import Alone, Workers  # noqa: PLC0415

    config = _config(settings, protocol, tls)
    if settings.workers > 1:
        Workers(config, [listening], greet=greet).run()
        return
    server = Alone(config, greet=greet)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        # It has finished what it had accepted; stopping it so is no failure.
        return
    if not server.started:
        raise typer.Exit(ExitCode.REFUSED)
