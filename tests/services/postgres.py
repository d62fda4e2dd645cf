"""One PostgreSQL server, fast: nothing that it holds need survive a crash of the machine."""

from __future__ import annotations

import secrets
import signal
import subprocess
from pathlib import Path

from tests.services import find
from tests.services.errors import ServiceError
from tests.services.process import (
    Child,
    Group,
    as_user,
    free_port,
    give_to,
    unprivileged_user,
)

OWNER = "zenith"
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


def start_durable(group: Group) -> None:
    """One that keeps what it has acknowledged when its processes are killed, slower."""
    start(group, durable=True)


def start(group: Group, *, durable: bool = False) -> None:
    """Make a cluster of its own and start it on a free port."""
    programs = find.need("PostgreSQL")
    user = unprivileged_user()
    password = secrets.token_hex(16)
    data = group.folder / "data"
    _init(programs, data, password, user)
    port = free_port()
    given = {**SETTINGS, "port": port, "synchronous_commit": "on" if durable else "off"}
    settings = [f"-c{name}={value}" for name, value in given.items()]
    server = group.add(
        Child(
            argv=[str(programs / "postgres"), "-D", str(data), *settings],
            log=group.folder / "postgres.log",
            env=ENV,
            cwd=group.folder,
            user=user,
            stop_with=signal.SIGINT,  # "fast": ends sessions, does not wait for them
        )
    )
    group.is_ready = lambda: server.process is not None and _is_ready(data, server.process.pid)
    group.wait()
    group.values["url"] = f"postgresql+asyncpg://{OWNER}:{password}@127.0.0.1:{port}/postgres"


def _init(programs: Path, data: Path, password: str, user: str | None) -> None:
    password_file = data.parent / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="utf-8")
    give_to(user, data.parent, password_file)
    done = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(data), "-U", OWNER, "--encoding=UTF8"),
            *("--no-locale", "--no-sync", "--auth=scram-sha-256", f"--pwfile={password_file}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=ENV,
        cwd=data.parent,
        **as_user(user),
    )
    password_file.unlink()
    if done.returncode:
        raise ServiceError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _is_ready(data: Path, pid: int) -> bool:
    """As `pg_ctl` tells: the eighth line of the server's own file, which a killed one leaves."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
