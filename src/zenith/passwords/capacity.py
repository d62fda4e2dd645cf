"""How much of the machine this process may use: cores and memory, within its container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path("/")
_UNLIMITED: Final = 1 << 60
"""Version 1 control groups say "no limit" with a number near 2⁶³."""


def usable_cores(root: Path = ROOT) -> int:
    """Cores that the scheduler gives this process: its affinity, and its control group's quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    quotas = [quota for folder in _groups(root, "cpu") if (quota := _quota(folder)) is not None]
    # Rounded up: half a core still runs one thread.
    return max(1, min([cores, *(-(-used // period) for used, period in quotas)]))


def usable_memory(root: Path = ROOT) -> int:
    """Bytes of memory: the machine's, or the least limit of a control group above this process."""
    limits = [_UNLIMITED]
    try:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        limits.append(1 << 30)
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(_read(folder / name))
            if limit is not None:
                limits.append(limit)
    return min(limits)


def _groups(root: Path, controller: str) -> list[Path]:
    """This process's control group and all above it, in version 2 and version 1."""
    folders: list[Path] = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if names and controller not in names.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if names else "")
        inner = base / path.strip("/")
        folders += [base, *(up for up in (inner, *inner.parents) if base in up.parents)]
    return folders


def _quota(folder: Path) -> tuple[int, int] | None:
    """Microseconds of processor time per period, or None for no limit."""
    version_2 = _read(folder / "cpu.max").split()
    used, period = (*map(_number, version_2), None, None)[:2]
    if used is None:
        used = _number(_read(folder / "cpu.cfs_quota_us"))
        period = _number(_read(folder / "cpu.cfs_period_us"))
    if not used or not period or used < 0:
        return None
    return used, period


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
