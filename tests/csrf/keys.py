"""Keys, principals and times for the tests of CSRF."""

from __future__ import annotations

from zenith.csrf import CsrfGuard, CsrfSettings
from zenith.kernel.keys import Secret
from zenith.kernel.principal import Principal

OLD = Secret("old-8kJ2nV5xQ7wZ1rT4yU6iO9pA3sD0fG-hL")
NEW = Secret("new-Xm3Nb7Vc1Zq9Wl5Ke2Jr8Ht4Gy6Fu0Di-P")
SESSION = Principal(subject="alice", session_id="session-of-alice", scheme="session")
BEARER = Principal(subject="alice", session_id="session-of-alice", scheme="bearer")


def guard(**settings):
    return CsrfGuard([NEW], CsrfSettings(**settings))
