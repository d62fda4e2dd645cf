"""Passwords: hash and verify them, judge new ones, make random ones. No web."""

from __future__ import annotations

from zenith.passwords.argon2id import Argon2Parameters
from zenith.passwords.breach import BreachChecker, BreachQuery
from zenith.passwords.breach_service import BreachService
from zenith.passwords.entropy import estimate_character_entropy, estimate_entropy
from zenith.passwords.errors import PasswordRefusedError, UnusableHashError
from zenith.passwords.generator import generate_strong_password
from zenith.passwords.hasher import PasswordHasher, Verification
from zenith.passwords.judge import PasswordJudge
from zenith.passwords.manager import PasswordManager
from zenith.passwords.policy import PasswordPolicy, PasswordProblem, PolicyResult
from zenith.passwords.pool import HashingPool
from zenith.passwords.settings import PasswordSettings
from zenith.passwords.validator import PasswordValidator

__all__ = [
    "Argon2Parameters",
    "BreachChecker",
    "BreachQuery",
    "BreachService",
    "HashingPool",
    "PasswordHasher",
    "PasswordJudge",
    "PasswordManager",
    "PasswordPolicy",
    "PasswordProblem",
    "PasswordRefusedError",
    "PasswordSettings",
    "PasswordValidator",
    "PolicyResult",
    "UnusableHashError",
    "Verification",
    "estimate_character_entropy",
    "estimate_entropy",
    "generate_strong_password",
]
