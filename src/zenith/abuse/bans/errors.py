"""What those are told who are banned, and those who cannot ban."""

from __future__ import annotations

from zenith.kernel.errors import ConflictError, PermissionDeniedError, with_retry_after


class BannedError(PermissionDeniedError):
    """The caller is banned. `retry_after` is in seconds; None where nobody knows when it ends.

    Who made the ban, and why, is not told.
    """

    code, title = "banned", "Access refused for now"

    def __init__(self, *, retry_after: float | None, reason: str = "") -> None:
        self.retry_after = retry_after
        headers = {} if retry_after is None else with_retry_after(retry_after, None)
        super().__init__(reason=reason, headers=headers)


class SelfBanError(ConflictError):
    """The ban would keep out whoever makes it."""

    code = "ban_of_oneself"

    def __init__(self) -> None:
        super().__init__("This would ban yourself. Say so expressly if you mean it")


class NeverBannedError(ConflictError):
    """Settings say that this network is never banned."""

    code = "never_banned"

    def __init__(self) -> None:
        super().__init__("Settings say that this is never banned, or it is a trusted proxy")
