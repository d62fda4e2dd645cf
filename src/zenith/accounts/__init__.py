"""Accounts and their flows: registration, sign-in and its end, password change, administration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.accounts.administration import PAGE, Administration
from zenith.accounts.client import TRUST_COOKIE, Client
from zenith.accounts.current_user import User
from zenith.accounts.depends import CurrentUser, get_current_user
from zenith.accounts.device_watch import DeviceWatch
from zenith.accounts.devices import KnownDevices, device_cookie_name
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import (
    FactorChallengeError,
    InvalidCredentialsError,
    InvalidEmailError,
    InvalidFactorError,
    InvalidNameError,
    LastAdministratorError,
    MailLinkError,
    RegistrationClosedError,
    SetupLinkError,
    WeakPasswordError,
)
from zenith.accounts.factors import (
    BrowserSignIn,
    Due,
    FactorsDue,
    PendingSignIn,
    PendingSignIns,
    PendingStore,
    SecondFactors,
    authenticated_to_enrol,
    factor_cookie,
    factor_cookie_name,
    in_person,
    password_state,
)
from zenith.accounts.grants import TokenGrants, TokenKind, TokenPair
from zenith.accounts.issued_tokens import IssuedTokens
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.notices import Notices
from zenith.accounts.password_change import PasswordChange
from zenith.accounts.recent import RecentAccounts
from zenith.accounts.registration import Registration
from zenith.accounts.role_administration import RoleAssignments, RoleChange, RoleDefinitions
from zenith.accounts.services import AccountServices
from zenith.accounts.settings import AccountSettings
from zenith.accounts.sign_in import SignIn
from zenith.accounts.standing import Standing
from zenith.accounts.step_up import Confirmed, FactorCheck, PasswordCheck, StepUp
from zenith.accounts.store import Account, AccountStore, LockOutcome, OneTimeStore
from zenith.accounts.subjects import AccountSubjects
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.accounts.routes import auth_router

__all__ = [
    "PAGE",
    "TRUST_COOKIE",
    "Account",
    "AccountServices",
    "AccountSettings",
    "AccountStore",
    "AccountSubjects",
    "Administration",
    "AttemptLimits",
    "BrowserSignIn",
    "Client",
    "Confirmed",
    "CurrentUser",
    "DeviceWatch",
    "Due",
    "FactorChallengeError",
    "FactorCheck",
    "FactorsDue",
    "InvalidCredentialsError",
    "InvalidEmailError",
    "InvalidFactorError",
    "InvalidNameError",
    "IssuedTokens",
    "KnownDevices",
    "LastAdministratorError",
    "LockOutcome",
    "MailLinkError",
    "Notices",
    "OneTimeStore",
    "PasswordChange",
    "PasswordCheck",
    "PendingSignIn",
    "PendingSignIns",
    "PendingStore",
    "RecentAccounts",
    "Registration",
    "RegistrationClosedError",
    "RoleAssignments",
    "RoleChange",
    "RoleDefinitions",
    "SecondFactors",
    "SetupLinkError",
    "SignIn",
    "Standing",
    "StepUp",
    "TokenGrants",
    "TokenKind",
    "TokenPair",
    "User",
    "WeakPasswordError",
    "auth_router",
    "authenticated_to_enrol",
    "canonical_email",
    "device_cookie_name",
    "factor_cookie",
    "factor_cookie_name",
    "get_current_user",
    "in_person",
    "password_state",
]

# The models of routes are slow to make: they are for who mounts them.
__getattr__ = loader(__name__, {"auth_router": "routes"})
