"""Threads that hash give way to all others, at once and without starving.

Threat: a flood of sign-ins that makes everything else slow (ASVS 15.2.2). A lower priority decides
how much of a core a thread gets, not when: Linux lets it end its slice, milliseconds, before a
thread that wakes up gets the core. Since 6.12 a thread with a shorter slice does not wait for that,
so a thread that hashes asks for the longest; its share of the core stays what its priority says.
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
import sys
import threading
from typing import Final

LONGEST_SLICE: Final = 100_000_000
"""Nanoseconds; the kernel takes no more."""
SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "s390x": 345, "ppc64le": 355}
"""The number of the system call, which neither Python nor every C library has a function for."""
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, nice, priority, runtime, deadline, period (sched_setattr(2))."""


def lower_priority(niceness: int) -> None:
    """Make the calling thread nicer by `niceness` (0 to 19; 0 leaves all as it is), on Linux.

    Threads that it starts inherit that. A system that forbids it costs responsiveness only.
    """
    # Only Linux gives each thread a priority of its own.
    if sys.platform != "linux" or not niceness:
        return
    with contextlib.suppress(OSError, ImportError, AttributeError):
        thread = threading.get_native_id()
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
        _ask_for_long_slices(niceness)


def _ask_for_long_slices(niceness: int) -> None:
    number = SCHED_SETATTR.get(platform.machine())
    # Another policy was somebody's decision. A 32-bit Python on such a machine has other numbers.
    if number is None or sys.maxsize < 2**32 or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    import ctypes  # noqa: PLC0415  not every Python has it, and who never hashes needs none

    size = _ATTRIBUTES.size
    wanted = _ATTRIBUTES.pack(size, os.SCHED_OTHER, 0, niceness, 0, LONGEST_SLICE, 0, 0)
    call = ctypes.CDLL(None).syscall
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_ulong)
    # Older kernels and sandboxes answer with an error, and then the priority has to do.
    call(number, 0, wanted, 0)
