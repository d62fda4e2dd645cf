"""How the application proves to a provider that it is the one registered there (RFC 6749 2.3)."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote_plus

from cryptography.hazmat.primitives.asymmetric import ec

from zenith.kernel.errors import ConfigurationError
from zenith.oauth.provider import Provider
from zenith.tokens import EcKey, sign_compact

ASSERTION_LIFETIME: Final = 300.0
APPLE: Final = "https://appleid.apple.com"


def authenticate_client(
    provider: Provider, form: dict[str, str], *, now: float
) -> tuple[dict[str, str], dict[str, str]]:
    """The form and the headers of a token request, with the client's proof added.

    `now` is Unix seconds. Raises ConfigurationError for a key of Apple's that cannot sign.
    """
    secret = provider.client_secret.reveal() if provider.client_secret else ""
    match provider.client_authentication:
        case "basic":
            # RFC 6749 section 2.3.1: each part is form-encoded before it is joined.
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
            header = base64.b64encode(pair.encode()).decode("ascii")
            return form, {"Authorization": f"Basic {header}"}
        case "post":
            return {**form, "client_id": provider.client_id, "client_secret": secret}, {}
        case "apple":
            assertion = apple_assertion(provider, now=now)
            return {**form, "client_id": provider.client_id, "client_secret": assertion}, {}
        case "none":
            return {**form, "client_id": provider.client_id}, {}


def apple_assertion(provider: Provider, *, now: float) -> str:
    """The client secret that Apple wants: a short JWT, signed with ES256 by the team's key."""
    claims = {
        "iss": provider.team_id,
        "iat": int(now),
        "exp": int(now + ASSERTION_LIFETIME),
        "aud": APPLE,
        "sub": provider.client_id,
    }
    return sign_compact(claims, apple_key(provider))


def apple_key(provider: Provider) -> EcKey:
    """The key of the .p8 file; raises ConfigurationError for anything else."""
    # It brings all formats of keys along; only this provider needs one.
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    secret = provider.client_secret
    pem = "" if secret is None else secret.reveal().replace("\\n", "\n")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(
            "oauth.apple.private_key is no P-256 key", fix="set the content of Apple's .p8 file"
        )
    return EcKey(key, kid=provider.key_id)
