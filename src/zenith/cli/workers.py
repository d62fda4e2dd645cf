"""Several server processes behind one port."""

from __future__ import annotations

import signal

from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """uvicorn's supervisor, whose workers leave Ctrl-C to it.

    A terminal sends Ctrl-C to every process of the group. The supervisor ends its workers in order;
    a worker that took it for itself would end in a traceback.
    """

    def init_processes(self) -> None:
        """Start the workers; that a signal is ignored is what processes inherit."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            super().init_processes()
        finally:
            signal.signal(signal.SIGINT, before)
