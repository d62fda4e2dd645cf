"""May they? Declarations on routes, decisions on resources."""

from zenith.authorization.access import (
    Access,
    GuardedApplication,
    authenticated,
    mark_access,
    public,
    require_permission,
    require_role,
    require_scope,
)
from zenith.authorization.authorizer import Authorizer
from zenith.authorization.decision import ALLOW, Decision
from zenith.authorization.guard import AuthorizationGuard
from zenith.authorization.requirements import Requirement
from zenith.authorization.routes import SecuredRoute

__all__ = [
    "ALLOW",
    "Access",
    "AuthorizationGuard",
    "Authorizer",
    "Decision",
    "GuardedApplication",
    "Requirement",
    "SecuredRoute",
    "authenticated",
    "mark_access",
    "public",
    "require_permission",
    "require_role",
    "require_scope",
]
