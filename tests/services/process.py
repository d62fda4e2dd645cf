"""Child processes that cannot outlive their parent, and what servers need of the machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from tests.services.errors import ServiceError

PR_SET_PDEATHSIG = 1
READY_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
FREEZING = (signal.SIGSTOP, signal.SIGCONT)
LOWEST_PORT, HIGHEST_PORT = 12_000, 30_000


def die_with_parent(number: int = signal.SIGKILL) -> Callable[[], None]:
    """What a child runs before its program, so that the kernel ends it with its parent (Linux)."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def end_with_parent() -> None:
    """Have the kernel ask this process to end when its parent does (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(*, also: int = 0) -> int:
    """A port that nobody listens on, below the range that the kernel hands out by itself.

    `also` asks for a second free port at that distance (a cluster's bus).
    """
    candidates = list(range(LOWEST_PORT, HIGHEST_PORT))
    for _ in range(200):
        port = candidates[int.from_bytes(os.urandom(4), "big") % len(candidates)]
        if all(_is_free(each) for each in {port, port + also}):
            return port
    raise ServiceError("no free port was found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def unprivileged_user() -> str | None:
    """Who runs PostgreSQL, which refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise ServiceError("neither a user 'postgres' nor 'nobody' exists to run PostgreSQL")


def give_to(user: str | None, *paths: Path) -> None:
    """Make the user the owner of the paths."""
    if user is not None:
        entry = pwd.getpwnam(user)
        for path in paths:
            os.chown(path, entry.pw_uid, entry.pw_gid)


class UserArguments(TypedDict, total=False):
    """The arguments of `subprocess` that change the user."""

    user: str
    group: int
    extra_groups: list[int]


def as_user(user: str | None) -> UserArguments:
    """Run as the user, with no more groups than the user's own."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@dataclass(kw_only=True)
class Child:
    """One program: how it is started, and the process once it is."""

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: str | None = None
    stop_with: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program; its output goes to the log."""
        hard = signal.SIGQUIT if self.stop_with is signal.SIGINT else signal.SIGKILL
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(hard),  # noqa: PLW1509  the keeper has no threads
                **as_user(self.user),
            )

    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the process and all that it started."""
        if self.process is not None and self.process.poll() is None:
            # PostgreSQL's processes are in groups of their own, and hear of an end by themselves.
            apart = _children(self.process.pid) if number in FREEZING else []
            os.killpg(self.process.pid, number)
            for pid in apart:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def stop(self) -> None:
        """End the process politely, then not."""
        if self.process is None:
            return
        self.signal(signal.SIGCONT)
        if self.process.poll() is None:
            self.process.send_signal(self.stop_with)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        # What it started and left behind goes too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass(kw_only=True)
class Group:
    """The processes that make one service, and how to tell that they serve."""

    folder: Path
    children: list[Child] = field(default_factory=list[Child])
    values: dict[str, str] = field(default_factory=dict[str, str])
    is_ready: Callable[[], bool] = lambda: True

    def add(self, child: Child) -> Child:
        """Start a child and own it."""
        self.children.append(child)
        child.start()
        return child

    def wait(self, is_ready: Callable[[], bool] | None = None) -> None:
        """Wait until it serves; a process that ends first, or takes too long, is an error."""
        check = is_ready or self.is_ready
        deadline = time.monotonic() + READY_TIMEOUT
        while not check():
            ended = [child for child in self.children if not child.running()]
            if ended or time.monotonic() > deadline:
                child = (ended or self.children)[0]
                text = child.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                state = "ended" if ended else "is not ready"
                raise ServiceError(f"{' '.join(child.argv[:4])} {state}:\n{text}")
            time.sleep(0.01)

    def revive(self) -> None:
        """Start again what has ended, the same way and on the same ports."""
        for child in self.children:
            if not child.running():
                child.start()
        self.wait()

    def signal(self, number: int, child: int | None = None) -> None:
        """Send a signal to every process, or to one; after one that ends it, wait for the end."""
        meant = self.children if child is None else [self.children[child]]
        for each in meant:
            each.signal(number)
        for each in meant:
            if each.process is not None and number in (signal.SIGKILL, each.stop_with):
                each.process.wait()

    def stop(self) -> None:
        """Stop every process, the last one first."""
        for child in reversed(self.children):
            child.stop()
