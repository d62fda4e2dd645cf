"""What a provider publishes about itself: read strictly, believed for its own issuer only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from zenith.kernel.errors import ConfigurationError
from zenith.oauth.errors import ProviderError
from zenith.oauth.provider import Endpoints, Provider, is_loopback, is_safe_url
from zenith.tokens import KeyRing
from zenith.tokens.keys import RSA_HASHES

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
        userinfo=_optional(document, "userinfo_endpoint", provider),
        pushed=_optional(document, "pushed_authorization_request_endpoint", provider),
        end_session=_optional(document, "end_session_endpoint", provider),
        issuer_in_response=document.get("authorization_response_iss_parameter_supported") is True,
    )


def read_keys(document: Mapping[str, Any], algorithms: Sequence[str]) -> KeyRing:
    """The keys that a provider signs with; raises ProviderError for a set that is unsound.

    Many providers publish RSA keys that name no algorithm. Such a key is for RS256, the algorithm
    of ID tokens unless another was agreed (OpenID Connect Core 1.0 section 2), or for the only one
    for RSA among `algorithms` (RFC 8725 section 3.1: one key, one algorithm).
    """
    keys = document.get("keys")
    if isinstance(keys, list):
        keys = [_settled(key, algorithms) for key in cast("list[object]", keys)]
    try:
        return KeyRing.from_jwks(
            {"keys": keys}, algorithms=algorithms, public_only=True, ignore_foreign=True
        )
    except ConfigurationError as error:
        raise ProviderError(reason=f"keys: {error.problem}") from None


def _settled(key: object, algorithms: Sequence[str]) -> object:
    if not isinstance(key, dict):
        return key
    members = cast("dict[str, object]", key)
    if "alg" in members or members.get("kty") != "RSA":
        return members
    fitting = [name for name in algorithms if name in RSA_HASHES]
    chosen = ["RS256"] if "RS256" in fitting else fitting
    return {**members, "alg": chosen[0]} if len(chosen) == 1 else members


def _optional(document: Mapping[str, Any], name: str, provider: Provider) -> str:
    return _address(document, name, provider) if name in document else ""


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
