"""What can go wrong on the way to a receiver."""

from __future__ import annotations

from zenith.kernel.errors import ZenithError


class DeliveryError(ZenithError):
    """A receiver did not take events. `reason` is ours and repeats nothing that it said.

    `is_final`: it will never take these. `wait`: seconds that it asks to be left alone. `rejected`:
    it took the batch but for so many, and does not say which.
    """

    def __init__(
        self, reason: str, *, is_final: bool = False, wait: float = 0.0, rejected: int = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.wait = wait
        self.rejected = rejected
