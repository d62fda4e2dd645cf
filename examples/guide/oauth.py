"""Sign-in with Google: settings, and nothing else.

`GET /auth/google` and its callback come with `app.add_auth()`. They send `state`, `nonce` and PKCE,
verify the ID token, and link accounts by Google's subject, never by the e-mail address.
"""

from __future__ import annotations

from dataclasses import replace

from zenith import Settings
from zenith.kernel.keys import Secret
from zenith.oauth import Google


def with_google(settings: Settings, *, client_id: str, client_secret: str) -> Settings:
    """`settings` with Google as a provider."""
    google = Google(client_id=client_id, client_secret=Secret(client_secret))
    return replace(settings, oauth=replace(settings.oauth, google=google))
