"""A real OpenID provider for tests: Authlib's server, in a process of its own.

    python -m tests.oauth.provider PORT

Authorization Code with PKCE (S256 required), nonce, `iss` in answers, discovery, JWKS. The client
`zenith` gets ID tokens by RS256, `zenith-es` by ES256. Whoever is asked for on the page signs in.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    ClientMixin,
    OAuth2Error,
    TokenMixin,
    grants,
)
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, request
from joserfc.jwk import ECKey, RSAKey

SECRET = "the-secret-of-the-test-client"
PAGE = """<!doctype html><html lang="en"><title>Test provider</title><h1>Test provider</h1>
<form method="post"><label>E-mail <input name="email" value="ada@example.org"></label>
<label>Subject <input name="subject"></label>
<label><input type="checkbox" name="unverified" value="1"> not verified</label>
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button></form></html>"""


@dataclass
class Client(ClientMixin):
    id: str
    algorithm: str

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/callback")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

    id_token_signed_response_alg = property(lambda self: self.algorithm)


@dataclass
class User:
    subject: str
    email: str
    verified: bool

    def get_user_id(self) -> str:
        return self.subject


@dataclass
class Code(AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: User
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Token(TokenMixin):
    user: User
    scope: str

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False

    def get_scope(self) -> str:
        return self.scope


class State:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.clients = {
            each.id: each
            for each in (
                Client("zenith", "RS256"),
                Client("zenith-es", "ES256"),
            )
        }
        self.keys: dict[str, Any] = {
            "RS256": RSAKey.generate_key(2048, {"kid": "rsa-1", "alg": "RS256", "use": "sig"}),
            "ES256": ECKey.generate_key("P-256", {"kid": "ec-1", "alg": "ES256", "use": "sig"}),
        }
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Token] = {}
        self.nonces: set[str] = set()


def claims_of(user: User) -> UserInfo:
    name = user.email.partition("@")[0].title()
    return UserInfo(sub=user.subject, email=user.email, email_verified=user.verified, name=name)


def make_grant(state: State) -> type[grants.AuthorizationCodeGrant]:
    class Grant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            state.nonces.add(data.get("nonce"))
            state.codes[code] = Code(
                code=code,
                client_id=request.client.id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                user=request.user,
                nonce=data.get("nonce"),
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = state.codes.get(code)
            return found if found is not None and found.client_id == client.id else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del state.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> User:
            return authorization_code.user

    return Grant


def make_open_id(state: State) -> OpenIDCode:
    class OpenID(OpenIDCode):
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return nonce in state.nonces

        def resolve_client_private_key(self, client: Client) -> Any:
            return state.keys[client.algorithm]

        def get_client_algorithm(self, client: Client) -> str:
            return client.algorithm

        def get_encode_header(self, client: Client) -> dict[str, str]:
            return {"alg": client.algorithm, "kid": state.keys[client.algorithm].kid}

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": state.issuer}

        def get_compatible_claims(self, request: Any) -> dict[str, Any]:
            now = int(time.time())
            return {"iss": state.issuer, "aud": request.client.id, "iat": now, "exp": now + 300}

        def generate_user_info(self, user: User, scope: str) -> UserInfo:
            return claims_of(user)

    return OpenID(require_nonce=True)


def make_server(app: Flask, state: State) -> AuthorizationServer:
    def save_token(token: dict[str, Any], request: Any) -> None:
        state.tokens[token["access_token"]] = Token(request.user, token.get("scope", ""))

    server = AuthorizationServer(app, query_client=state.clients.get, save_token=save_token)

    class Issuer(IssuerParameter):
        def get_issuer(self) -> str:
            return state.issuer

    server.register_extension(Issuer())
    server.register_grant(make_grant(state), [make_open_id(state), CodeChallenge(required=True)])
    return server


def add_publications(app: Flask, state: State) -> None:
    issuer = state.issuer

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/jwks",
            userinfo_endpoint=f"{issuer}/userinfo",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256", "ES256"],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
        )

    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify(keys=[key.as_dict(private=False) for key in state.keys.values()])


def create(issuer: str) -> Flask:
    app, state = Flask("provider"), State(issuer)
    server = make_server(app, state)
    protect = ResourceProtector()

    class Validator(BearerTokenValidator):
        def authenticate_token(self, token_string: str) -> Token | None:
            return state.tokens.get(token_string)

    protect.register_token_validator(Validator())

    add_publications(app, state)

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        user = None
        if request.method == "POST" and request.form.get("answer") == "allow":
            email = request.form["email"]
            user = User(
                request.form.get("subject") or f"subject-of-{email}",
                email,
                "unverified" not in request.form,
            )
        try:
            grant = server.get_consent_grant(end_user=user)
        except OAuth2Error as error:
            return server.handle_error_response(request, error)
        if request.method == "GET":
            return PAGE
        return server.create_authorization_response(grant=grant, grant_user=user)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    @protect("openid")
    def userinfo() -> Any:
        return jsonify(claims_of(protect.acquire_token("openid").user))

    @app.post("/rotate")
    def rotate() -> Any:
        number = int(time.time() * 1000)
        options = {"kid": f"rsa-{number}", "alg": "RS256", "use": "sig"}
        state.keys["RS256"] = RSAKey.generate_key(2048, options)
        return json.dumps({"kid": options["kid"]})

    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    create(f"http://localhost:{port}").run("localhost", port, threaded=True)
