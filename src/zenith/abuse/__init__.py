"""Abuse made costly: guessing slowed, programs told from people, the banned kept out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.abuse.attempts import Admission, Attempts
from zenith.abuse.disposable import DisposableDomains
from zenith.abuse.errors import DisposableEmailError, ProofRequiredError
from zenith.abuse.honeypot import Honeypot
from zenith.abuse.proof_of_work import Challenge, Proof, ProofOfWork, solve
from zenith.abuse.settings import AbuseSettings
from zenith.abuse.store import AttemptStore, Changes, Standing, Standings
from zenith.abuse.tiers import Attempt, Tiers, Verdict
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.abuse.depends import check_honeypot, honeypot_field

__all__ = [
    "AbuseSettings",
    "Admission",
    "Attempt",
    "AttemptStore",
    "Attempts",
    "Challenge",
    "Changes",
    "DisposableDomains",
    "DisposableEmailError",
    "Honeypot",
    "Proof",
    "ProofOfWork",
    "ProofRequiredError",
    "Standing",
    "Standings",
    "Tiers",
    "Verdict",
    "check_honeypot",
    "honeypot_field",
    "solve",
]

__getattr__ = loader(__name__, dict.fromkeys(("check_honeypot", "honeypot_field"), "depends"))
