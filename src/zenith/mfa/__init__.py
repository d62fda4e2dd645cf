"""Second factors: authenticator apps, passkeys, recovery codes, trusted devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.mfa.attempts import FactorAttempts
from zenith.mfa.challenges import Challenges
from zenith.mfa.enrolment import Added, FactorEnrolment, Factors, TotpEnrolment
from zenith.mfa.errors import (
    EnrolmentFailedError,
    FactorEnrolmentError,
    FactorExistsError,
    LedToEnrolmentError,
    TooManyPasskeysError,
)
from zenith.mfa.guard import EnrolmentGuard, EnrolmentPage
from zenith.mfa.passkey_sign_in import PasskeySignIn
from zenith.mfa.passkeys import Passkeys
from zenith.mfa.reset import FactorReset
from zenith.mfa.services import MfaServices
from zenith.mfa.settings import MfaSettings
from zenith.mfa.store import (
    ChallengeStore,
    FactorCounts,
    FactorStore,
    PasskeyRecord,
    PasskeyStore,
    TotpRecord,
    TrustedDevice,
    TrustedDeviceStore,
)
from zenith.mfa.trusted_devices import TrustedDevices
from zenith.mfa.verification import SECOND_FACTORS, FactorProof, FactorVerification

if TYPE_CHECKING:
    from zenith.mfa.routes import mfa_router

__all__ = [
    "SECOND_FACTORS",
    "Added",
    "ChallengeStore",
    "Challenges",
    "EnrolmentFailedError",
    "EnrolmentGuard",
    "EnrolmentPage",
    "FactorAttempts",
    "FactorCounts",
    "FactorEnrolment",
    "FactorEnrolmentError",
    "FactorExistsError",
    "FactorProof",
    "FactorReset",
    "FactorStore",
    "FactorVerification",
    "Factors",
    "LedToEnrolmentError",
    "MfaServices",
    "MfaSettings",
    "PasskeyRecord",
    "PasskeySignIn",
    "PasskeyStore",
    "Passkeys",
    "TooManyPasskeysError",
    "TotpEnrolment",
    "TotpRecord",
    "TrustedDevice",
    "TrustedDeviceStore",
    "TrustedDevices",
    "mfa_router",
]

# The models of routes are slow to make: they are for who mounts them.
__getattr__ = loader(__name__, {"mfa_router": "routes"})
