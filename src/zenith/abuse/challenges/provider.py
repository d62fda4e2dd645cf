"""What a provider of challenges is, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from zenith.kernel.errors import SecurityError
from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeOutcome:
    """What became of a token."""

    passed: bool
    reason: str = ""
    """Why not, for the audit log."""
    key: str = ""
    """Names the token in the store, so that it passes once."""
    expires_at: float = 0.0
    """Unix time until which the store remembers it."""
    score: float | None = None
    """How sure the provider is that a person is there, where it says so: 0 to 1."""
    is_down: bool = False
    """The provider did not answer, or what it answered cannot be believed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Widget:
    """What a page needs to show the challenge."""

    provider: str
    token_field: str
    """The form field that carries the token."""
    action: str
    site_key: str = ""
    script: str = ""
    """The provider's script; empty where the page's own does."""
    challenge: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the page's own script solves."""


class ChallengeProvider(Protocol):
    """Asks whether a person is there, or makes whoever is there work for it."""

    @property
    def token_field(self) -> str:
        """The form field that carries the token."""
        ...

    @property
    def can_wait(self) -> bool:
        """Whether patience may take the place of a token, for people without JavaScript."""
        ...

    @property
    def sources(self) -> Mapping[str, Sequence[str]]:
        """What pages that show it add to the source lists of their content security policy."""
        ...

    async def verify(self, token: str, *, action: str, client: str) -> ChallengeOutcome:
        """Whether `token` shows that the challenge of `action` was met by `client`, an address.

        Never raises for what the token says or the provider answers.
        """
        ...

    def widget(self, *, action: str, client: str) -> Widget:
        """What a page needs to ask `client` for `action`."""
        ...

    def demand(self, *, action: str, client: str, retry_after: float) -> SecurityError:
        """The refusal that asks for a token. `retry_after`: seconds after which none is needed, or
        0 where one always is.
        """
        ...
