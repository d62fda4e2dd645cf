"""Threads that hash give way, and say so to the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from zenith.passwords.pool import HashingPool
from zenith.passwords.priority import LONGEST_SLICE, lower_priority

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has priorities per thread"
)
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def _slice() -> int:
    attributes = ctypes.create_string_buffer(48)
    call = ctypes.CDLL(None).syscall
    assert call(SCHED_GETATTR[platform.machine()], 0, attributes, 48, 0) == 0
    return int(struct.unpack("=IIQiIQQQ", attributes.raw)[5])


def _in_a_thread(niceness: int, look: Callable[[], int]) -> int:
    with ThreadPoolExecutor(1, initializer=lower_priority, initargs=(niceness,)) as pool:
        return pool.submit(look).result()


def _knows_slices() -> bool:
    version = tuple(int(part) for part in platform.release().split(".")[:2])
    return version >= (6, 12) and platform.machine() in SCHED_GETATTR


async def test_the_event_loop_goes_first() -> None:
    pool = HashingPool(workers=1, niceness=3)
    assert await pool.run(_niceness) == min(19, _niceness() + 3)
    await pool.aclose()


@pytest.mark.skipif(not _knows_slices(), reason="the kernel has one slice for all")
async def test_a_thread_that_hashes_asks_for_the_longest_slice_and_its_children_have_it() -> None:
    pool = HashingPool(workers=1)
    assert await pool.run(_slice) == LONGEST_SLICE
    assert await pool.run(lambda: _of_a_child(_slice)) == LONGEST_SLICE
    await pool.aclose()
    assert _slice() < LONGEST_SLICE


@pytest.mark.skipif(not _knows_slices(), reason="the kernel has one slice for all")
def test_a_whole_process_can_give_way() -> None:
    program = (
        "from zenith.passwords.priority import lower_priority as give_way; give_way(4); input()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", program), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        try:
            wanted = min(19, _niceness() + 4)
            deadline = time.monotonic() + 20
            while os.getpriority(os.PRIO_PROCESS, child.pid) != wanted:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            child.communicate(b"\n")
    assert child.returncode == 0


def _of_a_child(look: Callable[[], int]) -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(look).result()


@pytest.mark.skipif(not _knows_slices(), reason="the kernel has one slice for all")
def test_no_niceness_asks_for_nothing() -> None:
    assert _in_a_thread(0, _niceness) == _niceness()
    assert _in_a_thread(0, _slice) < LONGEST_SLICE


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (platform, "machine", lambda: "pdp11"),
        (sys, "maxsize", 2**31 - 1),
        (os, "sched_getscheduler", lambda _: os.SCHED_BATCH),
        (ctypes, "CDLL", lambda _: object()),
    ],
)
def test_without_slices_the_priority_has_to_do(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: object
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            pool.submit(lower_priority, 2).result()
        assert pool.submit(_niceness).result() == min(19, _niceness() + 2)
        if _knows_slices():
            assert pool.submit(_slice).result() < LONGEST_SLICE


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _in_a_thread(5, _niceness) == _niceness()


async def test_a_sandbox_that_forbids_priorities_costs_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbid(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbid)
    pool = HashingPool(workers=1)
    assert await pool.run(lambda: 1) == 1
    await pool.aclose()
