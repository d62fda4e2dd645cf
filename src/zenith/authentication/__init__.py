"""Who is it? Schemes find credentials; revocations end them."""

from zenith.authentication.guard import AuthenticationGuard
from zenith.authentication.lasting import LastingScheme, lasts
from zenith.authentication.possession import Possession, is_thumbprint
from zenith.authentication.revocation import Follower, RevocationList, session_revocations
from zenith.authentication.scheme import RecallingScheme, Scheme
from zenith.authentication.store import (
    Revocation,
    RevocationChannel,
    RevocationKind,
    RevocationStore,
)
from zenith.authentication.subject import Grants, Subject, SubjectCache, SubjectSource, acting_in

__all__ = [
    "AuthenticationGuard",
    "Follower",
    "Grants",
    "LastingScheme",
    "Possession",
    "RecallingScheme",
    "Revocation",
    "RevocationChannel",
    "RevocationKind",
    "RevocationList",
    "RevocationStore",
    "Scheme",
    "Subject",
    "SubjectCache",
    "SubjectSource",
    "acting_in",
    "is_thumbprint",
    "lasts",
    "session_revocations",
]
