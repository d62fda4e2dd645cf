from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenith.passwords.capacity import usable_cores, usable_memory

GIBIBYTE = 1 << 30


@pytest.fixture(autouse=True)
def a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"SC_PHYS_PAGES": 16 * GIBIBYTE // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", values.__getitem__)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")


def test_a_bare_machine(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8
    assert usable_memory(tmp_path) == 16 * GIBIBYTE


def test_version_2_takes_the_least_limit_on_the_way_up(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/outer/inner",
            "sys/fs/cgroup/outer/memory.max": str(2 * GIBIBYTE),
            "sys/fs/cgroup/outer/inner/memory.max": "max",
            "sys/fs/cgroup/outer/cpu.max": "250000 100000",
            "sys/fs/cgroup/outer/inner/cpu.max": "max 100000",
        },
    )
    assert usable_memory(tmp_path) == 2 * GIBIBYTE
    assert usable_cores(tmp_path) == 3


def test_version_2_in_a_container_whose_root_is_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/memory.max": str(GIBIBYTE),
            "sys/fs/cgroup/cpu.max": "50000 100000",
        },
    )
    assert usable_memory(tmp_path) == GIBIBYTE
    assert usable_cores(tmp_path) == 1


def test_version_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/box\n3:cpu,cpuacct:/box\n1:pids:/box",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": str(GIBIBYTE),
            "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "400000",
            "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert usable_memory(tmp_path) == GIBIBYTE
    assert usable_cores(tmp_path) == 4


def test_nonsense_counts_for_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "nonsense\n0::/",
            "sys/fs/cgroup/memory.max": "plenty",
            "sys/fs/cgroup/cpu.max": "0 0",
        },
    )
    assert usable_memory(tmp_path) == 16 * GIBIBYTE
    assert usable_cores(tmp_path) == 8


def test_a_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)

    def unknown(_: str) -> int:
        raise ValueError

    monkeypatch.setattr(os, "sysconf", unknown)
    assert usable_cores(tmp_path) == 1
    assert usable_memory(tmp_path) == GIBIBYTE
