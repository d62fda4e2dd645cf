"""Logout tokens as a provider makes them, and as it should not."""

from __future__ import annotations

import json
import secrets

from tests.oauth.fake import CLIENT, ISSUER
from zenith.oauth.logout_token import EVENT
from zenith.tokens import sign_compact


def order(provider, *, key=None, typ="logout+jwt", **claims):
    """A token that orders the end of sessions; `claims` that are None are left out."""
    now = int(provider.clock())
    complete = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(8),
        "events": {EVENT: {}},
        "sub": "s1",
        **claims,
    }
    complete = {name: value for name, value in complete.items() if value is not None}
    return sign_compact(json.loads(json.dumps(complete)), key or provider.key, typ=typ)
