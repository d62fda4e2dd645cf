"""Tokens of other issuers: their keys, their audience, and never ours for theirs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.application import make_settings
from tests.tokens.fakes import SECRET, Time, exchange, manager, revocation_list
from zenith.app import Zenith
from zenith.authentication import Revocation
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.principal import Principal
from zenith.outbound.settings import OutboundSettings
from zenith.tokens import (
    BearerScheme,
    ForeignIssuer,
    KeyRing,
    TokenError,
    generate_key,
    sign_compact,
)
from zenith.tokens.claims import MAX_TEXT
from zenith.tokens.foreign import issuer_of
from zenith.tokens.key_source import MAX_BYTES, fetch_with, is_safe_address
from zenith.tokens.keys import Key

ISSUER = "https://login.example"
JWKS = f"{ISSUER}/keys"


def to_principal(claims: dict[str, Any]) -> Principal:
    if claims["sub"] == "nobody":
        raise TokenError("bad_claim", claim="sub")
    return Principal(subject=f"theirs:{claims['sub']}")


class Theirs:
    """The other issuer, as far as it is seen from here."""

    def __init__(self, **settings: Any) -> None:
        self.time, self.steady = Time(), Time(1000.0)
        self.keys: list[Key] = [generate_key("ES256", kid="one")]
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        self.away = False
        given: dict[str, Any] = {"jwks_uri": JWKS, **settings}
        self.issuer = ForeignIssuer(
            ISSUER,
            "us",
            to_principal=to_principal,
            fetch=self.fetch,
            clock=self.time,
            steady=self.steady,
            **given,
        )

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.away:
            raise ServiceUnavailableError(reason="away")
        document = self.documents.get(url, KeyRing(self.keys).to_jwks())
        return document if isinstance(document, bytes) else json.dumps(document).encode()

    def token(self, key: Key | None = None, *, typ: str | None = "at+jwt", **claims: Any) -> str:
        now = self.time.now
        whole = {"iss": ISSUER, "aud": "us", "sub": "ada", "iat": now, "exp": now + 900, **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        return sign_compact(whole, key or self.keys[-1], typ=typ)

    async def fault(self, token: str) -> str:
        with pytest.raises(TokenError) as caught:
            await self.issuer.verify(token, version=0)
        return caught.value.reason


async def test_their_token_is_mapped() -> None:
    theirs = Theirs()
    found = await theirs.issuer.verify(theirs.token(jti="7"), version=3)
    assert found.principal == Principal(subject="theirs:ada", scheme="bearer")
    assert (found.version, found.token_id) == (3, f"{ISSUER} 7")
    assert found.expires_at == theirs.time.now + 300
    assert "login.example" in repr(theirs.issuer)
    short = await theirs.issuer.verify(theirs.token(exp=theirs.time.now + 10), version=0)
    assert short.expires_at == theirs.time.now + 10
    assert short.token_id != found.token_id
    assert theirs.asked == [JWKS]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://other.example"}, "wrong_issuer:iss"),
        ({"iss": None}, "wrong_issuer:iss"),
        ({"aud": "them"}, "wrong_audience:aud"),
        ({"aud": None}, "wrong_audience:aud"),
        ({"aud": ["them", 1]}, "bad_claim:aud"),
        ({"exp": None}, "bad_claim:exp"),
        ({"exp": 1}, "expired:exp"),
        ({"iat": None}, "bad_claim:iat"),
        ({"nbf": 2_000_000_000}, "not_yet_valid:nbf"),
        ({"sub": None}, "bad_claim:sub"),
        ({"sub": ""}, "bad_claim:sub"),
        ({"sub": 1}, "bad_claim:sub"),
        ({"sub": "x" * (MAX_TEXT + 1)}, "bad_claim:sub"),
        ({"sub": "nobody"}, "bad_claim:sub"),
        ({"jti": 1}, "bad_claim:jti"),
        ({"typ": "jwt"}, "wrong_type:typ"),
        ({"typ": None}, "wrong_type:typ"),
        ({"cnf": {"x5t#S256": "AAAA"}}, "bad_claim:cnf"),
    ],
)
async def test_what_their_tokens_must_say(changes: dict[str, Any], reason: str) -> None:
    theirs = Theirs()
    assert await theirs.fault(theirs.token(**changes)) == reason


async def test_a_forged_token_asks_nobody() -> None:
    theirs = Theirs()
    assert await theirs.fault(theirs.token(generate_key("ES256", kid="one"))) == "bad_signature"
    assert len(theirs.asked) == 1


async def test_other_types_by_name_and_lists_of_audiences() -> None:
    theirs = Theirs(types=("jwt", ""))
    for typ in ("JWT", "application/jwt", None):
        assert await theirs.issuer.verify(theirs.token(typ=typ, aud=["x", "us"]), version=0)
    bound = await theirs.issuer.verify(theirs.token(typ="JWT", cnf={"jkt": "key"}), version=0)
    assert bound.thumbprint == "key"


async def test_only_its_algorithms() -> None:
    theirs = Theirs(algorithms=["RS256"])
    theirs.keys.append(generate_key("RS256", kid="rsa"))
    assert await theirs.issuer.verify(theirs.token(), version=0)
    assert await theirs.fault(theirs.token(theirs.keys[0])) == "unknown_key"
    for wrong in ([], ["HS256"], ["none"], ["RS256", "HS512"]):
        with pytest.raises(ConfigurationError):
            Theirs(algorithms=wrong)


async def test_a_new_key_is_asked_for_once() -> None:
    theirs = Theirs()
    await theirs.issuer.verify(theirs.token(), version=0)
    theirs.keys.append(generate_key("ES256", kid="two"))
    assert await theirs.fault(theirs.token()) == "unknown_key", "asked a moment ago"
    theirs.steady.now += 30
    assert await theirs.issuer.verify(theirs.token(), version=0)
    assert len(theirs.asked) == 2


async def test_a_flood_of_invented_keys_is_one_request() -> None:
    theirs = Theirs()
    await theirs.issuer.verify(theirs.token(), version=0)
    theirs.steady.now += 30
    flood = [theirs.token(generate_key("EdDSA", kid=f"k{number}")) for number in range(200)]
    faults = await asyncio.gather(*(theirs.fault(token) for token in flood))
    assert set(faults) == {"unknown_key"}
    assert len(theirs.asked) == 2


async def test_the_first_requests_wait_for_one_answer() -> None:
    theirs = Theirs()
    token = theirs.token()
    await asyncio.gather(*(theirs.issuer.verify(token, version=0) for _ in range(50)))
    assert len(theirs.asked) == 1


async def test_who_goes_away_takes_the_keys_from_nobody() -> None:
    """A stranger whose request ends at once cannot keep the keys from all who come after him."""
    theirs = Theirs()
    token, ask = theirs.token(), theirs.issuer.verify
    first = asyncio.create_task(ask(token, version=0))
    await asyncio.sleep(0)
    second = asyncio.create_task(ask(token, version=0))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).principal.subject == "theirs:ada"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(theirs.asked) == 1


async def test_a_withdrawn_key_is_not_believed_for_ever() -> None:
    theirs = Theirs()
    token = theirs.token(exp=theirs.time.now + 10_000)
    await theirs.issuer.verify(token, version=0)
    theirs.keys = [generate_key("ES256", kid="two")]
    theirs.steady.now += 3600
    assert await theirs.fault(token) == "unknown_key"


async def test_while_it_is_away_its_keys_are_believed_twice_as_long() -> None:
    theirs = Theirs()
    token = theirs.token()
    await theirs.issuer.verify(token, version=0)
    theirs.away = True
    theirs.steady.now += 7199
    await theirs.issuer.verify(token, version=0)
    theirs.steady.now += 31
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError):
            await theirs.issuer.verify(token, version=0)
    assert len(theirs.asked) == 3
    theirs.away = False
    theirs.steady.now += 30
    await theirs.issuer.verify(token, version=0)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "A" * 43, "alg": "HS256"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256"}]},
    ],
)
async def test_what_is_no_key_set_is_unavailable(document: Any) -> None:
    theirs = Theirs()
    theirs.documents[JWKS] = document
    with pytest.raises(ServiceUnavailableError):
        await theirs.issuer.verify(theirs.token(), version=0)


async def test_discovery() -> None:
    theirs = Theirs(jwks_uri=None)
    where = f"{ISSUER}/.well-known/openid-configuration"
    for wrong in ({"issuer": "x", "jwks_uri": JWKS}, {"issuer": ISSUER}, {"jwks_uri": JWKS}):
        theirs.documents[where] = wrong
        theirs.steady.now += 30
        with pytest.raises(ServiceUnavailableError):
            await theirs.issuer.verify(theirs.token(), version=0)
    theirs.documents[where] = {"issuer": ISSUER, "jwks_uri": "http://inner.example/keys"}
    theirs.steady.now += 30
    with pytest.raises(ServiceUnavailableError, match="unavailable"):
        await theirs.issuer.verify(theirs.token(), version=0)
    right = Theirs(jwks_uri=None)
    right.documents[where] = {"issuer": ISSUER, "jwks_uri": JWKS}
    await right.issuer.verify(right.token(), version=0)
    assert right.asked == [where, JWKS]
    moved = f"{ISSUER}/moved"
    right.documents |= {where: {"issuer": ISSUER, "jwks_uri": moved}, JWKS: b"gone"}
    right.steady.now += 3600
    await right.issuer.verify(right.token(), version=0)
    assert right.asked[2:] == [where, moved]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example/keys", True),
        ("http://127.0.0.1:1/keys", True),
        ("http://[::1]/keys", True),
        ("http://login.example/keys", False),
        ("https://a@login.example", False),
        ("https://login.example/#x", False),
        ("file:///etc/passwd", False),
        ("https://[x", False),
        ("", False),
    ],
)
def test_addresses_are_encrypted_or_local(url: str, safe: bool) -> None:
    assert is_safe_address(url) is safe
    if not safe:
        with pytest.raises(ConfigurationError):
            ForeignIssuer(url or "x", "us", to_principal=to_principal)


def test_an_audience_is_named() -> None:
    with pytest.raises(ConfigurationError):
        ForeignIssuer(ISSUER, "", to_principal=to_principal)


async def test_the_issuer_decides_and_nothing_is_mixed_up() -> None:
    theirs = Theirs()
    ours = manager(theirs.time)
    revocations = revocation_list(theirs.time)
    scheme = BearerScheme(ours, revocations, issuers=[theirs.issuer])

    async def ask(token: str) -> Any:
        return await scheme.authenticate(exchange((b"authorization", b"Bearer " + token.encode())))

    assert (await ask(theirs.token())).subject == "theirs:ada"
    assert (await ask(ours.issue_access("ada"))).subject == "ada"
    assert len(theirs.asked) == 1
    own = KeyRing.from_secret(SECRET).keys[0]
    for forged in (
        theirs.token(own),
        theirs.token(iss=ours.settings.issuer),
        theirs.token(iss="https://third.example"),
    ):
        with pytest.raises(TokenError):
            await ask(forged)
    now = theirs.time.now
    revoked = theirs.token(jti="9")
    await ask(revoked)
    await revocations.revoke(Revocation(kind="token", key=f"{ISSUER} 9", at=now, until=now + 900))
    with pytest.raises(TokenError):
        await ask(revoked)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "A" * 9000, "e30.W10.e30", "e30.eyJpc3MiOjF9.x", "ü.e30.x"]
)
def test_an_issuer_is_read_from_tokens_only(token: str) -> None:
    assert issuer_of(token) == ""


class Server:
    """A web server on the loopback interface that answers as it is told."""

    def __init__(self) -> None:
        self.answer = b""
        self.request = b""
        self.drip = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        if self.drip:
            await reader.read()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/keys"
    yield found
    listening.close()


def answer(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def test_keys_come_over_the_network(server: Server) -> None:
    key = generate_key("EdDSA", kid="k")
    server.answer = answer(json.dumps(KeyRing([key]).to_jwks()).encode())
    issuer = ForeignIssuer(ISSUER, "us", to_principal=to_principal, jwks_uri=server.url)
    theirs = Theirs()
    token = theirs.token(key, exp=4_000_000_000, iat=1)
    assert (await issuer.verify(token, version=0)).principal.subject == "theirs:ada"


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"nonsense\r\n\r\n",
        answer(b"x", "500 Broken"),
        answer(b"", "302 Found", "Location: http://127.0.0.1:1/"),
        answer(b"x" * (MAX_BYTES + 1)),
    ],
)
async def test_whatever_goes_wrong_is_unavailable(server: Server, reply: bytes) -> None:
    server.answer = reply
    with pytest.raises(ServiceUnavailableError):
        await fetch_with(2.0, known=[server.url])(server.url)


async def test_a_server_that_drips_is_not_waited_for(server: Server) -> None:
    server.answer, server.drip = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", True
    with pytest.raises(ServiceUnavailableError, match="unavailable"):
        await fetch_with(0.05, known=[server.url])(server.url)


async def test_no_other_address_is_asked() -> None:
    with pytest.raises(ServiceUnavailableError):
        await fetch_with(1.0)("http://login.example/keys")


def test_the_client_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zenith.outbound.client", None)
    with pytest.raises(ConfigurationError, match="need httpx"):
        fetch_with(1.0)


async def test_an_application_asks_issuers_by_its_own_settings(
    server: Server, tmp_path: Path
) -> None:
    """What the operator has forbidden is not asked: proxies, networks and times are his to set."""
    key = generate_key("EdDSA", kid="k")
    server.answer = answer(json.dumps(KeyRing([key]).to_jwks()).encode())
    settings = OutboundSettings(user_agent="the-application")
    issuer = ForeignIssuer(ISSUER, "us", to_principal=to_principal, jwks_uri=server.url)
    Zenith(settings=make_settings(tmp_path, outbound=settings), issuers=[issuer])
    token = Theirs().token(key, exp=4_000_000_000, iat=1)
    assert (await issuer.verify(token, version=0)).principal.subject == "theirs:ada"
    assert b"the-application" in server.request


async def test_a_way_of_ones_own_to_the_keys_stays(tmp_path: Path) -> None:
    key = generate_key("EdDSA", kid="k")

    async def fetch(url: str) -> bytes:
        return json.dumps(KeyRing([key]).to_jwks()).encode()

    issuer = ForeignIssuer(ISSUER, "us", to_principal=to_principal, jwks_uri=JWKS, fetch=fetch)
    Zenith(settings=make_settings(tmp_path), issuers=[issuer])
    token = Theirs().token(key, exp=4_000_000_000, iat=1)
    assert (await issuer.verify(token, version=0)).principal.subject == "theirs:ada"
