"""The parts that commands share: settings, and an assembly for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from zenith.assembly import Assembly, assemble
from zenith.cli.output import fail_with
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.settings import Settings

T = TypeVar("T")


def read_settings() -> Settings:
    """Settings from the environment; ends the command if they are wrong."""
    try:
        return Settings.from_env()
    except ConfigurationError as error:
        fail_with(error)


def run(
    work: Callable[[Assembly], Awaitable[T]],
    *,
    settings: Settings | None = None,
    start: bool = True,
) -> T:
    """Do `work` with the application's parts, started unless `start` is false, and stop them."""

    async def whole() -> T:
        settings_of = settings or read_settings()
        assembly = assemble(settings_of)
        try:
            if settings_of.mail is None:
                # What this process would keep, nobody could look at.
                assembly.accounts.notices.leave_to_servers()
            if start:
                await assembly.start()
            return await work(assembly)
        finally:
            await assembly.stop()

    try:
        return asyncio.run(whole())
    except (ConfigurationError, SecurityError) as error:
        fail_with(error)
