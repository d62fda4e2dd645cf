"""Places for requests in flight, in Redis or Valkey, for all processes together."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from contextvars import Context
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias, cast

from zenith.kernel.keys import new_id
from zenith.rate_limits import RateLimitStoreError
from zenith.rate_limits.store import Release, Slot
from zenith.stores.redis.client import RedisClient
from zenith.stores.redis.errors import unreachable
from zenith.stores.redis.lanes import turns

SCRIPT: Final = files("zenith.stores.redis").joinpath("slots.lua").read_text("utf-8")
SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
PREFIX: Final = "zenith:slots"
HELD: Final = 30.0
"""Seconds for which a place is held without being renewed: what a killed process keeps."""
Action: TypeAlias = Literal["take", "keep", "free"]


class RedisSlotStore:
    """Counts exactly across any number of processes.

    Threat: a caller that opens its requests at several processes, each of which counts for itself;
    and a process that was killed, whose places nobody would give back. A place is a member of a
    sorted set with the time, by the server's clock, until which it is held; a process renews what
    it holds three times in that time. One script and one round trip to take, another to give back;
    giving back is not waited for. Keys hold a MAC of the caller under `key` (without one: a plain
    hash). In a cluster, slots of several callers are taken one after the other.

    `timeout` and `held` are in seconds. Raises RateLimitStoreError where Redis does not answer in
    time or answers with an error. While it does not, nothing can be renewed: what is held longer
    than `held` may then be taken by others.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        key: bytes = b"",
        timeout: float = 0.25,
        held: float = HELD,
    ) -> None:
        # Whoever has a client has the driver; nobody else waits for its import.
        from redis.exceptions import NoScriptError  # noqa: PLC0415

        derived = hashlib.sha256(key).digest() if key else b""
        self._client: Final = cast("Any", client)
        self._mac: Final = hashlib.blake2b(key=derived, digest_size=16)
        self._unknown_script: Final = NoScriptError
        self._turns: Final = turns(client)
        self._timeout: Final = timeout
        self._length: Final = held
        self._holding: Final[dict[str, list[list[Slot]]]] = {}
        self._beat: asyncio.TimerHandle | None = None
        self._tasks: Final[set[asyncio.Task[object]]] = set()

    async def take(self, slots: Sequence[Slot]) -> Release | Slot:
        """As SlotStore."""
        holder, taken = new_id(), list[list[Slot]]()
        try:
            for group in _by_caller(slots):
                # Noted before it is asked for: who is interrupted may have taken it all the same.
                taken.append(group)
                full = await self._call("take", holder, group)
                if full:
                    taken.pop()
                    self._give_back(holder, taken)
                    return group[full - 1]
        except BaseException:
            self._give_back(holder, taken)
            raise
        # Only now: a renewal before would hold what may yet be refused.
        self._holding[holder] = taken
        if self._beat is None:
            self._renew_later()
        return lambda: self._free(holder)

    def _free(self, holder: str) -> None:
        """Give back in a task of its own: an answer that has ended waits for nothing."""
        self._give_back(holder, self._holding.pop(holder, ()))

    def _give_back(self, holder: str, groups: Sequence[Sequence[Slot]]) -> None:
        if groups:
            self._run(self._each("free", holder, groups))

    def _renew_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._beat = loop.call_later(self._length / 3, self._renew)

    def _renew(self) -> None:
        self._beat = None
        if self._holding:
            self._run(self.renew())
            self._renew_later()

    async def renew(self) -> None:
        """Hold on to what is held; where Redis does not answer, the next round tries again."""
        for holder, groups in list(self._holding.items()):
            if holder not in self._holding:
                continue
            answers = await self._each("keep", holder, groups)
            if holder not in self._holding:
                # Given back meanwhile, by another connection: the renewal may have come after it.
                self._give_back(holder, groups)
            if not answers:
                return

    async def settled(self) -> None:
        """Wait until what was given back has arrived."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _each(self, action: Action, holder: str, groups: Sequence[Sequence[Slot]]) -> bool:
        """Whether Redis has heard of it. What cannot be given back comes free by itself."""
        try:
            for group in tuple(groups):
                await self._call(action, holder, group)
        except RateLimitStoreError:
            return False
        return True

    async def _call(self, action: Action, holder: str, group: Sequence[Slot]) -> int:
        names = [self._name(slot) for slot in group]
        arguments = [action, holder, round(self._length * 1000), *(slot[2] for slot in group)]
        ask = self._client.execute_command
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                try:
                    found = await ask("EVALSHA", SHA, len(names), *names, *arguments)
                except self._unknown_script:
                    found = await ask("EVAL", SCRIPT, len(names), *names, *arguments)
        except unreachable() as error:
            raise RateLimitStoreError(reason=f"redis: {type(error).__name__}") from error
        return cast("int", found)

    def _name(self, slot: Slot) -> str:
        caller, what = self._mac.copy(), self._mac.copy()
        caller.update(slot.key.encode("utf-8", "surrogatepass"))
        what.update(slot.name.encode("utf-8", "surrogatepass"))
        return f"{PREFIX}:{{{caller.hexdigest()}}}:{what.hexdigest()}"


def _by_caller(slots: Sequence[Slot]) -> list[list[Slot]]:
    groups: dict[str, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(slot.key, []).append(slot)
    return list(groups.values())
