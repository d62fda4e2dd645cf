"""One session for each request that queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from zenith.pipeline import Exchange, Guard, Stage
from zenith.stores.late_models import LateModels

if TYPE_CHECKING:
    from zenith.stores.sql.model_database import ModelDatabase


class ModelSessions(Guard):
    """Gives each request its session, commits it before the answer leaves, and rolls it back where
    the answer is an error.

    Threat: half of a change, kept although the request failed; an answer that says "saved" before
    it is (ASVS 2.3.3). A request that does not query opens nothing. In a WebSocket, which may last
    for hours, each statement is its own transaction.

    With `check_tables`, a database without the tables and columns of the models refuses the start.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(self, models: ModelDatabase | LateModels, *, check_tables: bool = False) -> None:
        self._models = models
        self._check: Final = check_tables

    def on_request(self, exchange: Exchange) -> None:
        """Have a session at hand."""
        unit = self._models.begin()
        if exchange.is_websocket:
            unit.end(keep=True)
        exchange.settle = unit.settle

    async def startup(self) -> None:
        """Look at the tables where that is wanted, and have at hand what requests will need."""
        if isinstance(self._models, LateModels) and self._models.is_wanted:
            self._models = self._models.database
        if self._check:
            await self._models.check_tables()

    async def shutdown(self) -> None:
        """Close the connections."""
        await self._models.close()
