"""`zenith serve`: the ready server, on an embedded database unless told otherwise."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from typing import Annotated

import typer

from zenith.assembly import Assembly
from zenith.cli.context import read_settings, run
from zenith.cli.output import ExitCode, fail, fail_with, say
from zenith.console import create_server
from zenith.kernel.errors import ConfigurationError
from zenith.settings import Settings

GRACE = 10
KEEP_ALIVE = 15
MAX_HEADERS = 64 * 1024


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535)] = 8000,
    workers: Annotated[int | None, typer.Option(min=1, help="Server processes.")] = None,
) -> None:
    """Start the server with accounts and console, and print where to click."""
    settings = _settings(port, workers)
    if settings.workers > 1:
        # The workers are new processes: they read their settings from the environment again.
        os.environ["ZENITH_WORKERS"] = str(settings.workers)
        os.environ.setdefault("ZENITH_ORIGIN", settings.origin)
    listening = _listen(host, port)
    secret, report = run(_prepare, settings=settings)
    _greet(settings, secret, report)
    _run_server(settings, listening)


def _settings(port: int, workers: int | None) -> Settings:
    settings = read_settings()
    try:
        if workers is not None:
            settings = replace(settings, workers=workers)
        if not settings.is_production and "ZENITH_ORIGIN" not in os.environ:
            settings = replace(settings, origin=f"http://localhost:{port}")
    except ConfigurationError as error:
        fail_with(error)
    return settings


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        fail(
            f"cannot listen on {host}:{port}: {error.strerror}",
            fix="choose another port: PORT=9000 make run, or zenith serve --port 9000",
            code=ExitCode.UNAVAILABLE,
        )
    listening.set_inheritable(True)
    return listening


async def _prepare(assembly: Assembly) -> tuple[str | None, tuple[str, ...]]:
    return await assembly.accounts.registration.issue_setup_secret(), assembly.report


def _greet(settings: Settings, secret: str | None, report: tuple[str, ...]) -> None:
    say("Zenith is ready", style="bold")
    say(f"  Open      {settings.origin}")
    say(f"  API docs  {settings.origin}/docs") if not settings.is_production else None
    if secret is not None:
        minutes = int(settings.accounts.setup_link_lifetime // 60)
        say(f"  First run: create the administrator, once, within {minutes} minutes:")
        say(f"            {settings.origin}/setup/{secret}", style="bold")
    for line in report:
        say(f"  - {line}")
    say("  Stop with Ctrl-C")
    sys.stdout.flush()


def _run_server(settings: Settings, listening: socket.socket) -> None:
    try:
        # Only this command needs the server, which is an extra.
        import uvicorn  # noqa: PLC0415
        from uvicorn.supervisors import Multiprocess  # noqa: PLC0415
    except ImportError:
        fail(
            "the server is not installed",
            fix="pip install 'zenith-security[server]'",
            code=ExitCode.USAGE,
        )
    several = settings.workers > 1
    config = uvicorn.Config(
        "zenith.console:create_server" if several else create_server(settings),
        factory=several,
        workers=settings.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEADERS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    if several:
        Multiprocess(config, sockets=[listening]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(ExitCode.REFUSED)
