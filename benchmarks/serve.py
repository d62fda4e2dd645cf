"""`python -m benchmarks.serve NAME TOKENS`: one contender under uvicorn, one worker.

Once it listens it prints one line of JSON: its port, and the requests that it will let in. For each
line that it reads it prints the seconds of CPU time that it has used so far.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

import uvicorn
import uvloop

from benchmarks.apps import CONTENDERS, TokenContender
from benchmarks.driver import Call


def _texts(calls: list[Call]) -> list[str]:
    return [call.as_http().decode("latin-1") for call in calls]


def _requests(contender: TokenContender, tokens: int) -> dict[str, list[str]]:
    return {
        "seen": _texts([contender.seen()]),
        "unseen": _texts(contender.unseen(tokens)),
        "change": _texts([contender.change()]),
    }


def _tell_time() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


async def serve(name: str, tokens: int) -> None:
    """Serve until the process is ended."""
    contender = CONTENDERS[name]()
    await contender.start()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ready = {"port": listener.getsockname()[1], "requests": _requests(contender, tokens)}
        print(json.dumps(ready), flush=True)
        threading.Thread(target=_tell_time, daemon=True).start()
        config = uvicorn.Config(contender.app, lifespan="off", log_level="warning")
        await uvicorn.Server(config).serve(sockets=[listener])
    await contender.stop()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
