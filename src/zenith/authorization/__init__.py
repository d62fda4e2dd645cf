"""May they? Declarations on routes, decisions on resources."""

from zenith.authorization.access import (
    Access,
    authenticated,
    is_about_all,
    mark_access,
    public,
    require_everywhere,
    require_factor,
    require_role,
    require_scope,
)
from zenith.authorization.answers import Masked, masked
from zenith.authorization.authorize import AllOf, authorize
from zenith.authorization.authorizer import Authorizer, Filtering, Masking, Refreshing
from zenith.authorization.confirmation import ConfirmPage
from zenith.authorization.decision import ALLOW, Decision
from zenith.authorization.depends import RowsAccess, allowed, require_permission, require_policy
from zenith.authorization.errors import ConcealedError, FactorRequiredError
from zenith.authorization.guard import AuthorizationGuard
from zenith.authorization.listing import (
    ChecksObjects,
    ListedRoute,
    checks_objects,
    list_routes,
)
from zenith.authorization.objects import ObjectAccess
from zenith.authorization.ownership import Ownership
from zenith.authorization.requirements import STEP_UP, HasFactor, HasPermission, Requirement
from zenith.authorization.routes import SecuredRoute

__all__ = [
    "ALLOW",
    "STEP_UP",
    "Access",
    "AllOf",
    "AuthorizationGuard",
    "Authorizer",
    "ChecksObjects",
    "ConcealedError",
    "ConfirmPage",
    "Decision",
    "FactorRequiredError",
    "Filtering",
    "HasFactor",
    "HasPermission",
    "ListedRoute",
    "Masked",
    "Masking",
    "ObjectAccess",
    "Ownership",
    "Refreshing",
    "Requirement",
    "RowsAccess",
    "SecuredRoute",
    "allowed",
    "authenticated",
    "authorize",
    "checks_objects",
    "is_about_all",
    "list_routes",
    "mark_access",
    "masked",
    "public",
    "require_everywhere",
    "require_factor",
    "require_permission",
    "require_policy",
    "require_role",
    "require_scope",
]
