"""The flows of accounts, put together once and handed to whoever serves them."""

from __future__ import annotations

from zenith.accounts.administration import Administration
from zenith.accounts.devices import KnownDevices
from zenith.accounts.grants import TokenGrants
from zenith.accounts.mail_flows.flows import MailFlows
from zenith.accounts.notices import Notices
from zenith.accounts.own_account.deletion import Deletion
from zenith.accounts.own_account.export import Export
from zenith.accounts.password_change import PasswordChange
from zenith.accounts.profiles import Profiles
from zenith.accounts.recent import RecentAccounts
from zenith.accounts.registration import Registration
from zenith.accounts.role_administration import RoleAssignments, RoleDefinitions
from zenith.accounts.settings import AccountSettings
from zenith.accounts.sign_in import SignIn
from zenith.accounts.step_up import StepUp
from zenith.accounts.store import AccountStore
from zenith.kernel.records import dataclass
from zenith.sessions import PlaceNames, Sessions


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountServices:
    """Everything that pages and routes need of accounts."""

    store: AccountStore
    recent: RecentAccounts
    registration: Registration
    sign_in: SignIn
    grants: TokenGrants
    step_up: StepUp
    password_change: PasswordChange
    administration: Administration
    roles: RoleDefinitions
    assignments: RoleAssignments
    mail: MailFlows | None
    """None where mail goes nowhere: production without a mail server."""
    deletion: Deletion
    export: Export
    profiles: Profiles
    notices: Notices
    sessions: Sessions
    places: PlaceNames
    devices: KnownDevices
    settings: AccountSettings
