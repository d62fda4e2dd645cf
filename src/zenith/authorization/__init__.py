"""May they? Declarations on routes, decisions on resources."""

from zenith.authorization.access import (
    Access,
    GuardedApplication,
    authenticated,
    mark_access,
    public,
    require_factor,
    require_permission,
    require_role,
    require_scope,
)
from zenith.authorization.authorizer import Authorizer
from zenith.authorization.confirmation import ConfirmPage
from zenith.authorization.decision import ALLOW, Decision
from zenith.authorization.errors import FactorRequiredError
from zenith.authorization.guard import AuthorizationGuard
from zenith.authorization.requirements import STEP_UP, HasFactor, Requirement
from zenith.authorization.routes import SecuredRoute

__all__ = [
    "ALLOW",
    "STEP_UP",
    "Access",
    "AuthorizationGuard",
    "Authorizer",
    "ConfirmPage",
    "Decision",
    "FactorRequiredError",
    "GuardedApplication",
    "HasFactor",
    "Requirement",
    "SecuredRoute",
    "authenticated",
    "mark_access",
    "public",
    "require_factor",
    "require_permission",
    "require_role",
    "require_scope",
]
