"""`Authorization: Bearer` as a credential."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.tokens.fakes import SECRET, Time, exchange, forge, manager, revocation_list
from tests.tokens.proofs import Holder
from zenith.authentication import Revocation
from zenith.kernel.errors import BadRequestError, ConfigurationError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, NO_FACTORS, Principal
from zenith.pipeline import Exchange
from zenith.stores.memory import MemoryProofStore
from zenith.tokens import (
    BearerScheme,
    DpopError,
    DpopVerifier,
    ForeignIssuer,
    KeyRing,
    ProofRequest,
    TokenError,
    TokenManager,
    generate_key,
    prove_key,
    proven_key,
)


def grants(roles: Iterable[str], permissions: Iterable[str]) -> tuple[frozenset[str], Permissions]:
    held = frozenset(roles)
    implied = held | {"user"} if "admin" in held else held
    return implied, Permissions([*permissions, *(["*"] if "admin" in held else [])])


class Setting:
    def __init__(self, tokens: TokenManager | None = None, *, compile_roles: bool = True) -> None:
        self.time = Time()
        self.revocations = revocation_list(self.time)
        self.tokens = tokens or manager(self.time)
        self.scheme = BearerScheme(
            self.tokens, self.revocations, grants=grants if compile_roles else None
        )

    async def ask(self, token: str, scheme: bytes = b"Bearer ") -> object:
        return await self.scheme.authenticate(exchange((b"authorization", scheme + token.encode())))


async def test_a_token_is_judged_once_more_within_its_request() -> None:
    setting = Setting()
    asking = exchange((b"authorization", b"Bearer " + setting.tokens.issue_access("a").encode()))
    principal = await setting.scheme.authenticate(asking)
    assert await setting.scheme.reconsider(asking) == principal
    now = setting.time.now + 1
    await setting.revocations.revoke(Revocation(kind="subject", key="a", at=now, until=now + 9))
    with pytest.raises(TokenError):
        await setting.scheme.reconsider(asking)
    assert await setting.scheme.reconsider(exchange()) is None


async def test_a_token_becomes_a_principal() -> None:
    setting = Setting()
    token = setting.tokens.issue_access(
        "account",
        session_id="session",
        roles=["admin"],
        scopes=["read"],
        factors={"password": 5.0},
        tenant="tenant",
    )
    principal = await setting.scheme.authenticate(
        exchange((b"authorization", b"Bearer " + token.encode()))
    )
    assert principal is not None
    assert (principal.subject, principal.kind, principal.scheme) == ("account", "user", "bearer")
    # The role's `*` as far as the scopes name it, and no role: it cannot be held in part.
    assert principal.roles == frozenset()
    assert list(principal.permissions) == ["read"]
    assert principal.scopes == {"read"}
    assert (principal.session_id, principal.tenant) == ("session", "tenant")
    assert principal.factors == {"password": 5}
    with pytest.raises(TypeError):
        principal.factors["totp"] = 1.0  # type: ignore[index]


async def test_without_compiler_roles_grant_nothing() -> None:
    setting = Setting(compile_roles=False)
    token = setting.tokens.issue_access("account", roles=["admin"], permissions=["a:b"])
    principal = await setting.scheme.authenticate(
        exchange((b"authorization", b"Bearer " + token.encode()))
    )
    assert principal is not None
    assert principal.roles == {"admin"}
    assert list(principal.permissions) == ["a:b"]
    assert principal.scopes is None
    assert principal.factors is NO_FACTORS


async def test_a_token_seen_before_is_not_verified_again() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account")
    first = await setting.ask(token)
    assert await setting.ask(token) is first
    assert await setting.ask(token, b"bEARER  ") == first


async def test_a_cached_token_still_ends() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account")
    await setting.ask(token)
    setting.time.now += 901
    with pytest.raises(TokenError) as caught:
        await setting.ask(token)
    assert caught.value.fault == "expired"


async def test_a_cached_token_ends_with_its_key() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account")
    await setting.ask(token)
    (key,) = setting.tokens.keyring.keys
    setting.tokens.keyring.retire(key.kid, at=setting.time.now + 5)
    await setting.ask(token)
    setting.time.now += 5
    with pytest.raises(TokenError) as caught:
        await setting.ask(token)
    assert caught.value.fault == "key_not_valid"


@pytest.mark.parametrize("cached", [True, False])
async def test_revocation_pierces_the_cache_at_once(cached: bool) -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account", session_id="session")
    if cached:
        await setting.ask(token)
    now = setting.time.now
    await setting.revocations.revoke(
        Revocation(kind="session", key="session", at=now, until=now + 900)
    )
    with pytest.raises(TokenError) as caught:
        await setting.ask(token)
    assert caught.value.fault == "revoked"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Basic dTpw")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearerx")],
        [(b"authorization", b"Bearer zk_abc")],
    ],
)
async def test_other_credentials_are_left_to_others(headers: list[tuple[bytes, bytes]]) -> None:
    assert await Setting().scheme.authenticate(exchange(*headers)) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "zr_x", "\xff", "a.b.c,d"])
async def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        await Setting().ask(token)


async def test_two_authorization_headers_are_refused() -> None:
    setting = Setting()
    header = (b"authorization", b"Bearer " + setting.tokens.issue_access("account").encode())
    with pytest.raises(BadRequestError):
        await setting.scheme.authenticate(exchange(header, header))
    with pytest.raises(BadRequestError):
        await setting.scheme.authenticate(exchange((b"authorization", b"Basic dTpw"), header))


async def test_a_token_in_the_query_string_is_refused() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account").encode()
    with pytest.raises(TokenError) as caught:
        await setting.scheme.authenticate(exchange(query=b"a=1&access_token=" + token))
    assert caught.value.fault == "token_in_query"


async def test_permissions_that_cannot_be_read_are_a_refusal_and_no_crash() -> None:
    setting = Setting()
    token = setting.tokens.issue("access", {"sub": "account", "permissions": ["a b*"]})
    with pytest.raises(TokenError) as caught:
        await setting.ask(token)
    assert caught.value.reason == "bad_claim:permissions"


async def test_a_refused_token_is_never_cached() -> None:
    setting = Setting()
    stranger = TokenManager(keyring=KeyRing([generate_key("HS256")]), clock=setting.time)
    token = stranger.issue_access("account")
    for _ in range(2):
        with pytest.raises(TokenError):
            await setting.ask(token)
    assert len(setting.scheme._cache) == 0


def test_it_names_itself_and_what_it_wants() -> None:
    scheme = Setting().scheme
    assert (scheme.name, scheme.challenge) == ("bearer", "Bearer")


def test_the_fakes_forge_what_they_say() -> None:
    key = KeyRing.from_secret(SECRET).keys[0]
    assert forge({"alg": "HS256"}, {}, key).count(".") == 2


async def test_a_list_that_is_out_of_date_is_asked_for_tokens_seen_before() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account", session_id="session")
    await setting.ask(token)
    now = setting.time.now
    setting.revocations._store.kept.append(
        Revocation(kind="session", key="session", at=now, until=now + 900)
    )
    setting.revocations._refreshed = float("-inf")
    with pytest.raises(TokenError) as caught:
        await setting.ask(token)
    assert caught.value.fault == "revoked"


async def test_what_was_judged_before_a_revocation_is_judged_once_more() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account")
    first = await setting.ask(token)
    now = setting.time.now
    await setting.revocations.revoke(
        Revocation(kind="session", key="another", at=now, until=now + 900)
    )
    assert await setting.ask(token) is first
    assert await setting.ask(token) is first


async def test_a_role_counts_until_it_ends_also_in_tokens_seen_before() -> None:
    setting = Setting()
    ends = {"admin": setting.time.now + 60}
    token = setting.tokens.issue_access("account", roles=["user"], role_ends=ends)
    held = await setting.scheme.authenticate(bearer(token))
    assert held is not None
    assert held.roles == {"admin", "user"}
    setting.time.now += 60
    left = await setting.scheme.authenticate(bearer(token))
    assert left is not None
    assert left.roles == {"user"}
    assert not left.permissions.allow("posts:write")


async def test_what_was_compiled_before_roles_changed_is_not_kept() -> None:
    setting = Setting()
    changed = Revocation(kind="roles", key="", at=0.0, until=0.0)
    compiled: list[int] = []

    def changing(
        roles: Iterable[str], permissions: Iterable[str]
    ) -> tuple[frozenset[str], Permissions]:
        found = grants(roles, permissions)
        if not compiled:
            scheme._on_news(changed)
        compiled.append(1)
        return found

    scheme = BearerScheme(setting.tokens, setting.revocations, grants=changing)
    request = bearer(setting.tokens.issue_access("account", roles=["user"]))
    for times in (1, 2, 2):
        await scheme.authenticate(request)
        assert len(compiled) == times


def bearer(token: str) -> Exchange:
    return exchange((b"authorization", b"Bearer " + token.encode()))


async def test_an_empty_second_header_is_still_a_second_header() -> None:
    setting = Setting()
    header = (b"authorization", b"Bearer " + setting.tokens.issue_access("account").encode())
    with pytest.raises(BadRequestError):
        await setting.scheme.authenticate(exchange(header, (b"authorization", b"")))


async def test_bound_tokens_need_the_verifier() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account", thumbprint="key")
    for spelling in (b"Bearer ", b"bearer "):
        with pytest.raises(TokenError) as caught:
            await setting.ask(token, spelling)
        assert caught.value.fault == "bound"
    assert (
        await setting.scheme.authenticate(exchange((b"authorization", b"DPoP " + token.encode())))
        is None
    )
    with pytest.raises(TokenError) as caught:
        await setting.tokens.verify_token(token)
    assert caught.value.fault == "bound"


def test_two_issuers_with_one_name_are_refused() -> None:
    setting = Setting()
    own = ForeignIssuer(
        "https://zenith.example",
        "us",
        to_principal=lambda claims: Principal(subject=claims["sub"]),
    )
    with pytest.raises(ConfigurationError, match="one name"):
        BearerScheme(setting.tokens, setting.revocations, issuers=[own, own])


async def test_a_token_seen_before_is_recalled_without_waiting() -> None:
    setting = Setting()
    token = setting.tokens.issue_access("account").encode()
    header = (b"authorization", b"Bearer " + token)
    assert setting.scheme.recall(exchange(header)) is None
    first = await setting.scheme.authenticate(exchange(header))
    assert setting.scheme.recall(exchange(header)) is first
    assert setting.scheme.recall(exchange(header, (b"authorization", b"x"))) is None
    assert setting.scheme.recall(exchange()) is ANONYMOUS
    assert setting.scheme.recall(exchange(query=b"access_token=x")) is None


@pytest.mark.parametrize("required", [False, True])
async def test_a_bound_token_with_its_proof(required: bool) -> None:
    setting, holder = Setting(), Holder()
    verifier = DpopVerifier(
        MemoryProofStore(), [SECRET], origin="https://us", required=required, clock=setting.time
    )
    scheme = BearerScheme(setting.tokens, setting.revocations, dpop=verifier)
    assert (scheme.challenge or "").startswith("DPoP" if required else "Bearer")
    token = setting.tokens.issue_access("account", thumbprint=holder.thumbprint)
    plain = setting.tokens.issue_access("account")
    for _ in range(2):
        asking = exchange((b"authorization", b"DPoP " + token.encode()))
        uri = f"https://us{asking.path}"
        proof = holder.proof(asking.method, uri, at=setting.time.now, token=token)
        asking = exchange((b"authorization", b"DPoP " + token.encode()), (b"dpop", proof.encode()))
        principal = await scheme.authenticate(asking)
        assert principal is not None
        assert principal.scheme == "dpop"
        assert proven_key(asking) == holder.thumbprint
        assert await scheme.reconsider(asking) == principal, "the proof is spent, and not asked for"
        asking.services = {DpopVerifier: verifier}  # type: ignore[misc]  # a fake's
        assert await prove_key(asking) == holder.thumbprint, "one proof serves the whole request"
        with pytest.raises(DpopError):
            await verifier.verify(ProofRequest.of(asking))
    with pytest.raises(TokenError) as caught:
        await scheme.authenticate(exchange((b"authorization", b"DPoP " + plain.encode())))
    assert caught.value.fault == "unbound"
    if required:
        with pytest.raises(TokenError):
            await scheme.authenticate(exchange((b"authorization", b"Bearer " + plain.encode())))


async def test_a_key_is_proven_where_a_proof_came_or_must_come() -> None:
    setting, holder = Setting(), Holder()
    without = exchange()
    assert await prove_key(without) is None
    assert proven_key(without) is None
    verifier = DpopVerifier(MemoryProofStore(), [SECRET], origin="https://us", clock=setting.time)
    proof = holder.proof(without.method, f"https://us{without.path}", at=setting.time.now).encode()
    asking = exchange((b"dpop", proof))
    asking.services = {DpopVerifier: verifier}  # type: ignore[misc]  # a fake's
    assert await prove_key(asking) == proven_key(asking) == holder.thumbprint
