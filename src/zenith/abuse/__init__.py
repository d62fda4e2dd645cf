"""Guessing made slow: delays, proof of work, locks that owners do not feel."""

from __future__ import annotations

from zenith.abuse.attempts import Admission, Attempts
from zenith.abuse.errors import ProofRequiredError
from zenith.abuse.proof_of_work import Challenge, Proof, ProofOfWork, solve
from zenith.abuse.settings import AbuseSettings
from zenith.abuse.store import AttemptStore, Changes, Standing, Standings
from zenith.abuse.tiers import Attempt, Tiers, Verdict

__all__ = [
    "AbuseSettings",
    "Admission",
    "Attempt",
    "AttemptStore",
    "Attempts",
    "Challenge",
    "Changes",
    "Proof",
    "ProofOfWork",
    "ProofRequiredError",
    "Standing",
    "Standings",
    "Tiers",
    "Verdict",
    "solve",
]
