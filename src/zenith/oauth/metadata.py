"""What a provider publishes about itself: read strictly, believed for its own issuer only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError
from zenith.oauth.errors import ProviderError
from zenith.oauth.provider import Endpoints, Provider, is_loopback, is_safe_url
from zenith.tokens import KeyRing

TENANT: Final = "{tenantid}"


def read_metadata(document: Mapping[str, Any], provider: Provider) -> Endpoints:
    """The endpoints in a discovery document.

    Threat: metadata of another issuer, planted or confused, that sends codes and secrets elsewhere
    (RFC 8414 section 3.3, RFC 9700 section 4.4): the issuer must be the one that was asked, letter
    by letter, and endpoints must be encrypted. Raises ProviderError.
    """
    expected = provider.issuer_template or provider.issuer
    if document.get("issuer") != expected:
        raise ProviderError(reason="discovery: the issuer is not the one asked for")
    methods = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ProviderError(reason="discovery: PKCE with S256 is not supported")
    return Endpoints(
        authorization=_address(document, "authorization_endpoint", provider),
        token=_address(document, "token_endpoint", provider),
        jwks=_address(document, "jwks_uri", provider),
        userinfo=_address(document, "userinfo_endpoint", provider)
        if "userinfo_endpoint" in document
        else "",
        issuer_in_response=document.get("authorization_response_iss_parameter_supported") is True,
    )


def read_keys(document: Mapping[str, Any]) -> KeyRing:
    """The keys that a provider signs with; raises ProviderError for a set that is unsound."""
    try:
        return KeyRing.from_jwks(document, ignore_foreign=True)
    except ConfigurationError as error:
        raise ProviderError(reason=f"keys: {error.problem}") from None


def _address(document: Mapping[str, Any], name: str, provider: Provider) -> str:
    found = document.get(name)
    # Only a provider on this machine may be spoken to in the clear.
    if (
        not isinstance(found, str)
        or not is_safe_url(found)
        or (is_loopback(found) and not is_loopback(provider.issuer))
    ):
        raise ProviderError(reason=f"discovery: {name} is no https address")
    return found
