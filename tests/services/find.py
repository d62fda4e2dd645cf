"""Where the machine keeps the servers' programs, and how to get those that are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.services.errors import ServiceError

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
POSTGRES_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


def postgres() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest there is."""
    folders = [
        folder
        for pattern in POSTGRES_FOLDERS
        for folder in sorted(Path("/").glob(pattern), key=_version, reverse=True)
    ]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    return None


def redis() -> Path | None:
    """The Redis server, or Valkey's."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def chromium() -> Path | None:
    """Chromium or Chrome; `ZENITH_TEST_CHROMIUM` names another."""
    named = os.environ.get("ZENITH_TEST_CHROMIUM")
    names = (named,) if named else (*CHROMIUM_NAMES, *CHROMIUM_APPS)
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(c if c.isdigit() else " " for c in str(folder))
    return tuple(map(int, digits.split()))


PROGRAMS: dict[str, tuple[Callable[[], Path | None], Sequence[str]]] = {
    "PostgreSQL": (postgres, ("postgresql",)),
    "Redis": (redis, ("redis-server", "valkey-server")),
    "Chromium": (chromium, ("chromium",)),
}


def need(name: str) -> Path:
    """The program, or an error that says what to install."""
    find, packages = PROGRAMS[name]
    found = find()
    if found is None:
        raise ServiceError(
            f"{name} is missing: install it, for example with 'apt-get install {packages[0]}'"
        )
    return found


def install_missing() -> None:
    """Find every program; install what is missing where that is allowed without a question."""
    missing = [name for name, (find, _) in PROGRAMS.items() if find() is None]
    if not missing:
        return
    packages = [PROGRAMS[name][1][0] for name in missing]
    apt = _apt_get()
    if apt is None:
        raise ServiceError(
            f"{' and '.join(missing)} missing: install, for example with "
            f"'apt-get install {' '.join(packages)}'"
        )
    for name in missing:
        _install(apt, name)


def _install(apt: list[str], name: str) -> None:
    find, packages = PROGRAMS[name]
    for package in packages:
        print(f"Installing {package} ...", flush=True)
        install = [*apt, "install", "--yes", "--no-install-recommends", package]
        # The package lists may be absent or old: refresh them only after a first try failed.
        for command in (install, [*apt, "update"], install):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if find() is not None:
                return
            if done.returncode and command[-1] == "update":
                print(done.stderr.strip()[-400:])
    raise ServiceError(f"{name} could not be installed: install it by hand")


def _apt_get() -> list[str] | None:
    """The command, if this user may run it without being asked for a password."""
    apt = shutil.which("apt-get")
    if apt is None:
        return None
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-q"]
    if os.geteuid() == 0:
        return quiet
    sudo = shutil.which("sudo")
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0
    ):
        return [sudo, "-n", *quiet]
    return None
