"""Temporary bans: who is kept out, until when and why, in every process within a second."""

from __future__ import annotations

from zenith.abuse.bans.ban import Ban, BanTarget
from zenith.abuse.bans.banned import BannedSet
from zenith.abuse.bans.bans import Bans
from zenith.abuse.bans.errors import BannedError, NeverBannedError, SelfBanError
from zenith.abuse.bans.guard import BanGuard, PrincipalBanGuard
from zenith.abuse.bans.rules import RefusalRules
from zenith.abuse.bans.settings import BanSettings
from zenith.abuse.bans.store import BanStore

__all__ = [
    "Ban",
    "BanGuard",
    "BanSettings",
    "BanStore",
    "BanTarget",
    "BannedError",
    "BannedSet",
    "Bans",
    "NeverBannedError",
    "PrincipalBanGuard",
    "RefusalRules",
    "SelfBanError",
]
