"""A provider in this process that obeys, until a test tells it to misbehave."""

from __future__ import annotations

import json
import secrets
import time
from urllib.parse import parse_qsl, urlsplit

import httpx

from zenith.oauth.authorization import challenge_of
from zenith.tokens import KeyRing, generate_key, sign_compact

ISSUER = "https://id.example.org"
CLIENT = "the-client"
SECRET = "the-secret"
KEY = generate_key("ES256", kid="k1")


def _unread(answer):
    """As it comes from a network."""
    body = httpx.ByteStream(answer.content)
    return httpx.Response(answer.status_code, headers=answer.headers, stream=body)


class FakeProvider(httpx.AsyncBaseTransport):
    """`claims` and `header` change ID tokens, `tokens` the token answer, `metadata` the discovery
    document; `answers` replaces whole answers by path; `signed` is the key that signs UserInfo.
    """

    def __init__(self, clock=time.time):
        self.clock = clock
        self.reset()

    def reset(self):
        self.claims, self.tokens, self.metadata, self.userinfo = {}, {}, {}, {}
        self.answers = {}
        self.key, self.published = KEY, [KEY]
        self.typ = "JWT"
        self.signed = None
        self.codes, self.pushed = {}, {}
        self.requests = []

    def handle(self, request):
        path = request.url.path
        if path in self.answers:
            answer = self.answers[path]
            return answer(request) if callable(answer) else answer
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.discovery())
        if path == "/jwks":
            keys = KeyRing(self.published)
            return httpx.Response(200, json=keys.to_jwks())
        if path == "/token":
            return self.exchange(dict(parse_qsl(request.content.decode())))
        if path == "/userinfo":
            return self.tell()
        if path == "/pushed":
            return self.take(dict(parse_qsl(request.content.decode())))
        return httpx.Response(404, json={})

    async def handle_async_request(self, request):
        await request.aread()
        self.requests.append(request)
        answer = self.handle(request)
        answer = await answer if hasattr(answer, "__await__") else answer
        return _unread(answer) if answer.is_stream_consumed else answer

    def discovery(self):
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in document.items() if value is not None}

    def tell(self):
        if self.signed is None:
            return httpx.Response(200, json=self.userinfo)
        token = sign_compact({"iss": ISSUER, "aud": CLIENT, **self.userinfo}, self.signed)
        return httpx.Response(200, text=token, headers={"content-type": "application/jwt"})

    def take(self, form):
        """A pushed request (RFC 9126)."""
        reference = f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(8)}"
        self.pushed[reference] = form
        return httpx.Response(201, json={"request_uri": reference, "expires_in": 60})

    def visit(self, url, *, subject="s1", email="ada@example.org", **claims):
        """The person signs in at the address; what the browser brings back."""
        query = dict(parse_qsl(urlsplit(url).query))
        if "request_uri" in query:
            query = self.pushed.pop(query["request_uri"])
        code = secrets.token_urlsafe(16)
        self.codes[code] = query, {"sub": subject, "email": email, "email_verified": True, **claims}
        return {"code": code, "state": query["state"], "iss": ISSUER}

    def exchange(self, form):
        found = self.codes.pop(form.get("code", ""), None)
        if found is None or form["redirect_uri"] != found[0]["redirect_uri"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        query, person = found
        if challenge_of(form.get("code_verifier", "")) != query["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        document = {
            "access_token": "at-" + secrets.token_hex(8),
            "token_type": "Bearer",
            "id_token": self.id_token(query.get("nonce"), person),
            **self.tokens,
        }
        return httpx.Response(
            200, json={name: value for name, value in document.items() if value is not None}
        )

    def id_token(self, nonce, person):
        now = self.clock()
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "iat": int(now),
            "exp": int(now) + 300,
            "nonce": nonce,
            "auth_time": int(now),
            **person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign_compact(json.loads(json.dumps(claims)), self.key, typ=self.typ)
