"""Stores and clocks that do what the test says."""

from __future__ import annotations

import asyncio

from zenith.kernel.errors import ServiceUnavailableError


class Time:
    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


class FakeRevocations:
    def __init__(self):
        self.kept, self.asked, self.pruned, self.fails = [], [], [], False
        self.gate = None

    async def add(self, revocations):
        if self.fails:
            raise ServiceUnavailableError
        self.kept += revocations

    async def since(self, moment):
        self.asked.append(moment)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise ServiceUnavailableError
        return [each for each in self.kept if each.at >= moment]

    async def prune(self, now):
        self.pruned.append(now)
        return 3


class FakeChannel:
    def __init__(self):
        self.published, self.receive, self.stopped = [], None, False

    async def publish(self, revocations):
        self.published.append(list(revocations))

    async def listen(self, receive):
        self.receive = receive
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True


class FakeSubjects:
    def __init__(self, *subjects):
        self.subjects = {subject.id: subject for subject in subjects}
        self.asked, self.gate = 0, None

    async def find(self, subject_id):
        self.asked += 1
        subject = self.subjects.get(subject_id)
        if self.gate is not None:
            await self.gate.wait()
        return subject
