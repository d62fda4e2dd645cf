"""The flows of second factors, put together once and handed to whoever serves them."""

from __future__ import annotations

from zenith.kernel.records import dataclass
from zenith.mfa.enrolment import FactorEnrolment
from zenith.mfa.passkey_sign_in import PasskeySignIn
from zenith.mfa.passkeys import Passkeys
from zenith.mfa.reset import FactorReset
from zenith.mfa.settings import MfaSettings
from zenith.mfa.trusted_devices import TrustedDevices


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaServices:
    """Everything that pages and routes need of second factors."""

    enrolment: FactorEnrolment
    passkeys: Passkeys | None
    """None where `mfa.passkeys` is off or the extra is missing."""
    passkey_sign_in: PasskeySignIn
    trusted: TrustedDevices
    reset: FactorReset
    settings: MfaSettings
