"""Who somebody is, from the API of providers that speak OAuth without OpenID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from zenith.oauth.errors import ProviderError
from zenith.oauth.id_token import (
    MAX_EMAIL,
    MAX_LABEL,
    ProvenIdentity,
    is_subject,
    text_of,
    trusts_email,
    undated,
)
from zenith.oauth.provider import Provider

ITEMS: Final = "items"


def github_identity(
    provider: Provider, user: Mapping[str, Any], emails: Mapping[str, Any], *, now: float
) -> ProvenIdentity:
    """From GitHub's `/user` and `/user/emails`.

    The number is the subject: names can be given up and taken by others. The public e-mail of the
    profile is anybody's text; the list says what was verified.
    """
    number = user.get("id")
    kind: object = number.__class__
    if kind is not int:
        raise ProviderError(reason="profile: no id")
    email = next(
        (
            text_of(entry, "email", MAX_EMAIL)
            for entry in _entries(emails)
            if entry.get("primary") is True and entry.get("verified") is True
        ),
        "",
    )
    return ProvenIdentity(
        issuer=provider.issuer,
        subject=str(number),
        email=email,
        email_verified=bool(email),
        name=text_of(user, "name", MAX_LABEL) or text_of(user, "login", MAX_LABEL),
        authenticated_at=undated(now),
    )


def discord_identity(provider: Provider, user: Mapping[str, Any], *, now: float) -> ProvenIdentity:
    """From Discord's `/users/@me`."""
    subject = user.get("id")
    if not is_subject(subject):
        raise ProviderError(reason="profile: no id")
    email = text_of(user, "email", MAX_EMAIL)
    return ProvenIdentity(
        issuer=provider.issuer,
        subject=str(subject),
        email=email,
        email_verified=bool(email) and user.get("verified") is True,
        name=text_of(user, "global_name", MAX_LABEL) or text_of(user, "username", MAX_LABEL),
        authenticated_at=undated(now),
    )


def with_userinfo(
    provider: Provider, identity: ProvenIdentity, claims: Mapping[str, Any]
) -> ProvenIdentity:
    """The identity with what the UserInfo endpoint adds (OpenID Connect Core 1.0 section 5.3).

    Threat: claims about somebody else, by a token that was swapped: the subject must be the same
    (section 5.3.2). Raises ProviderError.
    """
    if claims.get("sub") != identity.subject:
        raise ProviderError(reason="userinfo: another subject")
    email = text_of(claims, "email", MAX_EMAIL)
    return replace(
        identity,
        email=email,
        email_verified=bool(email) and trusts_email(provider, claims),
        name=identity.name or text_of(claims, "name", MAX_LABEL),
    )


def _entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get(ITEMS)
    entries = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Mapping[str, Any]", entry) for entry in entries if isinstance(entry, dict)]
