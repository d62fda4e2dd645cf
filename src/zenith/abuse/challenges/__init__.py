"""Challenges: proof of work from here, or the puzzles of others, in front of whatever is abused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.abuse.challenges.challenges import Challenges
from zenith.abuse.challenges.errors import ChallengeRequiredError
from zenith.abuse.challenges.marks import ChallengePageGuard, ShowsChallenge, shows_challenge
from zenith.abuse.challenges.proof import ProofProvider
from zenith.abuse.challenges.provider import ChallengeOutcome, ChallengeProvider, Widget
from zenith.abuse.challenges.settings import ChallengeSettings
from zenith.abuse.challenges.siteverify import SiteverifyProvider
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.abuse.challenges.depends import require_challenge

__all__ = [
    "ChallengeOutcome",
    "ChallengePageGuard",
    "ChallengeProvider",
    "ChallengeRequiredError",
    "ChallengeSettings",
    "Challenges",
    "ProofProvider",
    "ShowsChallenge",
    "SiteverifyProvider",
    "Widget",
    "require_challenge",
    "shows_challenge",
]

__getattr__ = loader(__name__, {"require_challenge": "depends"})
