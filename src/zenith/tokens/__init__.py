"""Signed access tokens, rotating refresh tokens and the keys behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.tokens.cache import TokenCache, VerifiedToken
from zenith.tokens.claims import ExpectedClaims, validate_claims
from zenith.tokens.dpop import DpopVerifier, ProofRequest, prove_key, proven_key
from zenith.tokens.errors import DpopError, DpopNonceError, TokenError, TokenReusedError
from zenith.tokens.foreign import ForeignIssuer
from zenith.tokens.guide_tokens import GuideTokens
from zenith.tokens.jws import sign_compact, verify_claims, verify_compact
from zenith.tokens.keyring import KeyRing
from zenith.tokens.keys import (
    ALGORITHMS,
    EcKey,
    Ed25519Key,
    HmacKey,
    Key,
    RsaKey,
    generate_key,
)
from zenith.tokens.manager import TokenManager
from zenith.tokens.refresh import RefreshGrant, RefreshTokens
from zenith.tokens.rotation import KeyRotation, KeyState
from zenith.tokens.scheme import BearerScheme, principal_of
from zenith.tokens.settings import TokenSettings
from zenith.tokens.store import (
    KeyStore,
    ProofStore,
    RefreshFamily,
    RefreshStore,
    Rotation,
    RotationOutcome,
    StoredKey,
)

if TYPE_CHECKING:
    from zenith.tokens.routes import jwks_router

__all__ = [
    "ALGORITHMS",
    "BearerScheme",
    "DpopError",
    "DpopNonceError",
    "DpopVerifier",
    "EcKey",
    "Ed25519Key",
    "ExpectedClaims",
    "ForeignIssuer",
    "GuideTokens",
    "HmacKey",
    "Key",
    "KeyRing",
    "KeyRotation",
    "KeyState",
    "KeyStore",
    "ProofRequest",
    "ProofStore",
    "RefreshFamily",
    "RefreshGrant",
    "RefreshStore",
    "RefreshTokens",
    "Rotation",
    "RotationOutcome",
    "RsaKey",
    "StoredKey",
    "TokenCache",
    "TokenError",
    "TokenManager",
    "TokenReusedError",
    "TokenSettings",
    "VerifiedToken",
    "generate_key",
    "jwks_router",
    "principal_of",
    "prove_key",
    "proven_key",
    "sign_compact",
    "validate_claims",
    "verify_claims",
    "verify_compact",
]

# The models of routes are slow to make: they are for who mounts them.
__getattr__ = loader(__name__, {"jwks_router": "routes"})
