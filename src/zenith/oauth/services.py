"""Sign-in with other providers, put together once and handed to whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping

from zenith.authorization import Access
from zenith.kernel.records import dataclass
from zenith.oauth.code_flow import CodeFlow
from zenith.oauth.hand_over import HandOver
from zenith.oauth.identities import Identities
from zenith.oauth.provider import FACTOR, Provider
from zenith.oauth.settings import OAuthSettings
from zenith.oauth.sign_outs import ProviderSignOuts
from zenith.rate_limits import RateLimiter

__all__ = ["FACTOR", "OAuthPages", "OAuthServices"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthServices:
    """Everything that pages and routes need."""

    providers: Mapping[str, Provider]
    flow: CodeFlow
    identities: Identities
    hand_over: HandOver
    sign_outs: ProviderSignOuts
    limiter: RateLimiter
    recent: Access
    """Who may change what opens an account: whoever has proven within ten minutes to own it."""
    settings: OAuthSettings
    origin: str
    """Where users reach the application; providers send them back there and nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthPages:
    """A service of applications with pages: where browsers go on after a provider."""

    home: str = "/"
    """Where nobody said where to."""
    factor: str = ""
    """The page that asks for a second factor; empty where there is none."""
