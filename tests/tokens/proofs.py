"""Proofs of possession, made by hand."""

from __future__ import annotations

from typing import Any

from tests.tokens.fakes import forge
from zenith.tokens import generate_key
from zenith.tokens.dpop import ath_of
from zenith.tokens.jwk import public_jwk, thumbprint
from zenith.tokens.keys import Key


class Holder:
    """A client with a key."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.key: Key = generate_key(algorithm, kid="mine")
        jwk = public_jwk(self.key) or {}
        self.jwk = {name: jwk[name] for name in jwk if name not in ("kid", "use", "alg")}
        self.thumbprint = thumbprint(self.jwk)
        self._count = 0

    def proof(
        self,
        method: str,
        uri: str,
        *,
        at: float,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        key: Key | None = None,
        **claims: Any,
    ) -> str:
        self._count += 1
        complete: dict[str, Any] = {
            "jti": f"proof-{self._count}",
            "htm": method,
            "htu": uri,
            "iat": at,
        }
        if token is not None:
            complete["ath"] = ath_of(token)
        complete.update(claims)
        complete = {name: value for name, value in complete.items() if value is not None}
        whole = {"typ": "dpop+jwt", "alg": self.key.algorithm, "jwk": self.jwk, **(header or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        return forge(whole, complete, key or self.key)
