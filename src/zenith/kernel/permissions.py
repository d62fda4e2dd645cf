"""Permissions as `resource:action` segments, compiled for look-ups of constant cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from zenith.kernel.errors import ConfigurationError

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.-]+)*")
_PATTERN: Final = re.compile(r"(?:[A-Za-z0-9_.-]+:)*(?:[A-Za-z0-9_.-]+|\*)")
MAX_REMEMBERED: Final = 128
"""Answers that need a look at wildcards, kept for each compiled set."""
OWN: Final = "own"


def check_permission(text: str, *, pattern: bool = False) -> str:
    """Return `text` if it is a well-formed permission, else raise ConfigurationError.

    Segments are letters, digits, `_`, `.` and `-`, joined by colons. A pattern may also be `*` or
    end in `:*`; a wildcard anywhere else is refused, for nobody agrees on what it would mean.
    """
    if (_PATTERN if pattern else _PLAIN).fullmatch(text):
        return text
    raise ConfigurationError(
        f"`{text}` is no permission",
        fix="write it as segments joined by colons, such as users:read"
        + (" or users:*" if pattern else ""),
    )


class Permissions:
    """An immutable, compiled set of granted permissions.

    `*` grants all, `users:*` grants everything below `users`, in any depth. `posts:write:own`
    grants `posts:write` on resources that the caller owns and nothing without such a resource
    (ASVS 8.2.2): it never matches the plain `posts:write`.
    """

    __slots__ = ("_all", "_exact", "_prefixes", "_remembered")

    def __init__(self, granted: Iterable[str] = ()) -> None:
        exact: set[str] = set()
        prefixes: set[str] = set()
        everything = False
        for text in granted:
            check_permission(text, pattern=True)
            if text == "*":
                everything = True
            elif text.endswith(":*"):
                prefixes.add(text[:-2])
            else:
                exact.add(text)
        self._exact: Final = frozenset(exact)
        self._prefixes: Final = frozenset(prefixes)
        self._all: Final = everything
        self._remembered: Final[dict[str, bool]] = {}

    def allow(self, permission: str) -> bool:
        """Whether `permission` is granted on any resource. Cost: two look-ups; where wildcards
        were granted, the first time one for each segment.
        """
        if self._all or permission in self._exact:
            return True
        if not self._prefixes:
            return False
        answer = self._remembered.get(permission)
        if answer is None:
            answer = self._is_below(permission)
            # Full, it forgets nothing: whoever asks for made-up names pushes out no others.
            if len(self._remembered) < MAX_REMEMBERED:
                self._remembered[permission] = answer
        return answer

    def _is_below(self, permission: str) -> bool:
        end = permission.rfind(":")
        while end != -1:
            if permission[:end] in self._prefixes:
                return True
            end = permission.rfind(":", 0, end)
        return False

    def allow_own(self, permission: str) -> bool:
        """Whether `permission` is granted on resources that the caller owns."""
        return self.allow(permission) or f"{permission}:{OWN}" in self._exact

    def covers(self, grant: str) -> bool:
        """Whether everything that `grant`, which may be a pattern, stands for is granted."""
        own = f":{OWN}"
        return self.allow(grant) or (grant.endswith(own) and self.allow(grant.removesuffix(own)))

    def narrowed(self, scopes: Iterable[str]) -> Permissions:
        """What both this and `scopes` grant. A scope that is no permission grants nothing."""
        allowed = Permissions(scope for scope in scopes if _PATTERN.fullmatch(scope))
        return Permissions(
            {
                *(each for each in self if allowed.covers(each)),
                *(each for each in allowed if self.covers(each)),
            }
        )

    def __iter__(self) -> Iterator[str]:
        if self._all:
            yield "*"
        yield from sorted(self._exact)
        yield from sorted(f"{prefix}:*" for prefix in self._prefixes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Permissions):
            return NotImplemented
        return list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self._all, self._exact, self._prefixes))

    def __repr__(self) -> str:
        return f"Permissions({list(self)!r})"


NO_PERMISSIONS: Final = Permissions()
