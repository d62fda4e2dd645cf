"""Which refusals lead to a ban."""

from __future__ import annotations

from typing import Final

from zenith.abuse.bans.settings import RULES, BanSettings, Threshold
from zenith.kernel.errors import SecurityError

MAX_CLIENTS: Final = 10_000
MALFORMED: Final = frozenset({400, 408, 413, 414, 421, 431})
EXPIRED: Final = "expired"
"""The fault of tokens and keys that are right in all but their time."""
REASONS: Final = {
    "trap": "asked for what only scanners look for",
    "malformed": "sent many malformed requests",
    "credential": "sent many credentials that do not hold",
    "rate_limited": "went on and on over a limit",
    "forbidden": "tried much that is not allowed",
    "not_found": "asked for much that there is not",
}
"""Why a rule bans, for administrators."""
BY_STATUS: Final = {
    **dict.fromkeys(MALFORMED, "malformed"),
    401: "credential",
    403: "forbidden",
    404: "not_found",
    429: "rate_limited",
}


class RefusalRules:
    """Counts refusals by rule and client.

    Threat: scanners and guessers that go on for hours at the rate that limits allow (ASVS 2.4.1,
    6.3.1). Each process counts what it refused itself. Memory is bounded: of more than ten thousand
    clients those are forgotten that began first, and none of them is worse off for it.
    """

    def __init__(self, settings: BanSettings) -> None:
        self._thresholds: Final[dict[str, Threshold]] = {}
        for name in RULES:
            threshold = settings.threshold(name)
            if threshold is not None:
                self._thresholds[name] = threshold
        paths = [path.lower() for path in settings.trap_paths]
        self._files: Final = frozenset(path for path in paths if not path.endswith("/"))
        self._folders: Final = tuple(path for path in paths if path.endswith("/"))
        self._counts: Final[dict[tuple[str, str], list[float]]] = {}
        self._traps: Final = "trap" in self._thresholds

    def __bool__(self) -> bool:
        return bool(self._thresholds)

    def __len__(self) -> int:
        """How many counts are kept."""
        return len(self._counts)

    def rule_of(
        self,
        status: int,
        failure: SecurityError | None,
        *,
        path: str,
        route: str,
        presented: bool,
    ) -> str | None:
        """The rule that a refusal counts for; None where it is nobody's business.

        `route` is the template of the route that the path led to, `presented` says whether the
        request carried a credential. What the application refuses by itself counts only as 401,
        404 and 429.
        """
        if self._traps and self._is_trap(path.lower()) and _first(route) != _first(path):
            return "trap"
        rule = BY_STATUS.get(status)
        if rule not in self._thresholds:
            return None
        if rule == "credential":
            # Whose credential held until now guesses nothing: behind one address, programs of a
            # whole school learn so, several times an hour, that they must ask for another.
            return rule if presented and getattr(failure, "fault", "") != EXPIRED else None
        if rule in ("malformed", "forbidden"):
            return rule if failure is not None and failure.status == status else None
        return rule

    def count(self, rule: str, client: str, *, now: float) -> bool:
        """Count one; whether the client is due for a ban, and is then counted anew."""
        threshold = self._thresholds[rule]
        key = (rule, client)
        found = self._counts.get(key)
        if found is None or now - found[0] >= threshold.seconds:
            self._counts.pop(key, None)
            if len(self._counts) >= MAX_CLIENTS:
                del self._counts[next(iter(self._counts))]
            found = self._counts[key] = [now, 0.0]
        found[1] += 1
        if found[1] < threshold.refusals:
            return False
        del self._counts[key]
        return True

    def _is_trap(self, path: str) -> bool:
        return path in self._files or path.startswith(self._folders)


def _first(path: str) -> str:
    """The first segment: a mount at `/` or a route that takes whatever comes names none."""
    return path[1:].partition("/")[0]
