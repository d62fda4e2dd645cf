"""Which tenant a request is about."""

from __future__ import annotations

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.api_keys import may_make_keys, may_manage_keys
from zenith.authentication import AuthenticationGuard, Subject
from zenith.authorization import require_everywhere
from zenith.kernel.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    PermissionDeniedError,
)
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.tenants import TenantGuard, TenantSettings, outside

ADA = Principal(subject="ada", scheme="session")


class Subjects:
    """Ada belongs to `tenants`."""

    def __init__(self, *tenants: str) -> None:
        self.tenants = frozenset(tenants)
        self.active, self.role = True, "editor"

    async def find(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        if subject_id != "ada":
            return None
        roles = frozenset() if tenant is None else frozenset({f"{tenant}-{self.role}"})
        return Subject(
            id=subject_id,
            active=self.active or tenant is None,
            roles=roles,
            permissions=Permissions(["posts:read"] if tenant else ()),
            tenants=self.tenants,
            tenant=tenant,
        )


async def tenant_of(subjects, principal=ADA, *, host="", named=None, **settings):
    headers = () if named is None else ((b"x-tenant", named),)
    exchange = make_exchange(headers=headers, principal=principal, host=host)
    guard = TenantGuard(subjects, TenantSettings(**settings))
    waiting = guard.on_request(exchange)
    if waiting is not None:
        await waiting
    return exchange.principal


async def test_the_only_one_need_not_be_named():
    inside = await tenant_of(Subjects("acme"))
    assert (inside.tenant, inside.roles) == ("acme", {"acme-editor"})
    assert inside.has_permission("posts:read")
    for subjects in (Subjects(), Subjects("acme", "bolt")):
        assert (await tenant_of(subjects)).tenant is None
    assert (await tenant_of(Subjects("acme"), only=False)).tenant is None


async def test_the_one_that_is_named():
    subjects = Subjects("acme", "bolt")
    assert (await tenant_of(subjects, named=b"bolt")).tenant == "bolt"
    at_host = await tenant_of(subjects, host="ACME.example.org:8000", domain="example.org")
    assert at_host.tenant == "acme"
    both = await tenant_of(subjects, host="acme.example.org", domain="example.org", named=b"acme")
    assert both.tenant == "acme"
    for host in ("example.org", "acme.example.net", ""):
        assert (await tenant_of(subjects, host=host, domain="example.org")).tenant is None
    assert (await tenant_of(subjects, named=b"bolt", header=None)).tenant is None


@pytest.mark.parametrize("named", [b"other", b"none such", b"*", b"", b"a\x00", b"x" * 200])
async def test_strangers_and_nonsense(named):
    with pytest.raises((PermissionDeniedError, BadRequestError)):
        await tenant_of(Subjects("acme"), named=named)


async def test_unknown_tenants_look_like_foreign_ones():
    with pytest.raises(PermissionDeniedError) as caught:
        await tenant_of(Subjects("acme"), named=b"bolt")
    assert caught.value.detail == "You do not belong to this tenant"


async def test_host_and_header_agree():
    with pytest.raises(BadRequestError, match="different"):
        await tenant_of(
            Subjects("acme", "bolt"), host="acme.example.org", domain="example.org", named=b"bolt"
        )


async def test_who_has_no_choice():
    assert await tenant_of(Subjects("acme"), ANONYMOUS, named=b"acme") is ANONYMOUS
    bound = Principal(subject="ada", tenant="acme")
    assert await tenant_of(Subjects(), bound) is bound
    assert await tenant_of(Subjects(), bound, named=b"acme") is bound
    with pytest.raises(PermissionDeniedError):
        await tenant_of(Subjects("bolt"), bound, named=b"bolt")
    for narrowed in (
        Principal(subject="ada", scopes=frozenset({"read"})),
        Principal(subject="key", kind="api_key"),
    ):
        assert await tenant_of(Subjects("acme"), narrowed) is narrowed
        with pytest.raises(PermissionDeniedError):
            await tenant_of(Subjects("acme"), narrowed, named=b"acme")


async def test_who_is_gone():
    with pytest.raises(PermissionDeniedError):
        await tenant_of(Subjects("acme"), Principal(subject="eve"), named=b"acme")
    subjects = Subjects("acme")
    subjects.active = False
    with pytest.raises(PermissionDeniedError):
        await tenant_of(subjects, named=b"acme")


@pytest.mark.parametrize(
    "settings",
    [
        {"header": "no header"},
        {"header": ""},
        {"domain": "Example.org"},
        {"domain": ".example.org"},
        {"header": None, "only": False},
    ],
)
def test_settings_that_say_nothing(settings):
    with pytest.raises(ConfigurationError):
        TenantSettings(**settings)


async def test_what_is_about_all_tenants_is_about_none():
    guard = TenantGuard(Subjects("acme"), TenantSettings())
    declared = require_everywhere("users:read")
    for named in ((), ((b"x-tenant", b"acme"),), ((b"x-tenant", b"bolt"),)):
        exchange = make_exchange(headers=named, principal=ADA)
        exchange.marks = (declared,)
        assert guard.on_request(exchange) is None
        assert guard.on_request(exchange) is None
        assert exchange.principal is ADA


async def test_who_is_inside_is_known_outside_too():
    """Pages say by it where else somebody may go."""
    exchange = make_exchange(headers=((b"x-tenant", b"acme"),), principal=ADA)
    assert outside(exchange) is ADA
    waiting = TenantGuard(Subjects("acme")).on_request(exchange)
    assert waiting is not None
    await waiting
    assert exchange.principal.tenant == "acme"
    assert outside(exchange) is ADA
    issued_for_acme = make_exchange(principal=exchange.principal)
    assert outside(issued_for_acme) is ANONYMOUS


@pytest.mark.parametrize("declared", [require_everywhere("users:read"), may_make_keys])
async def test_a_key_of_a_tenant_stays_in_it(declared):
    key = Principal(subject="key", kind="api_key", tenant="acme", scopes=frozenset())
    for marks in ((), (declared,)):
        for named, admitted in ((None, True), (b"acme", True), (b"bolt", False)):
            headers = () if named is None else ((b"x-tenant", named),)
            exchange = make_exchange(headers=headers, principal=key)
            exchange.marks = marks
            guard = TenantGuard(Subjects("acme", "bolt"), TenantSettings())
            if admitted:
                assert guard.on_request(exchange) is None
            else:
                with pytest.raises(PermissionDeniedError):
                    guard.on_request(exchange)
            assert exchange.principal is key


def test_people_manage_keys_outside_of_tenants():
    exchange = make_exchange(principal=ADA)
    exchange.marks = (may_manage_keys,)
    assert TenantGuard(Subjects("acme")).on_request(exchange) is None
    assert exchange.principal is ADA


def test_a_tenants_administrator_is_not_the_applications():
    everything = Permissions(["*"])
    declared = require_everywhere("users:read")
    assert declared.requirement.decide(Principal(subject="a", permissions=everything)).allowed
    inside = Principal(subject="a", permissions=everything, tenant="acme")
    assert declared.requirement.decide(inside).denied
    assert declared.requirement.describe() == "permission users:read everywhere"


CHANGES = pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"tenants": frozenset({"bolt"})}, AuthenticationError),
        ({"active": False}, AuthenticationError),
        ({"role": "reader"}, ConflictError),
    ],
)


@CHANGES
@pytest.mark.parametrize("socket", [True, False])
async def test_who_belongs_there_no_more_gets_no_more_of_a_stream(change, refusal, socket):
    subjects, now = Subjects("acme"), [1.0]
    clock = {"steady": lambda: now[0]}
    guards = (AuthenticationGuard([], **clock), TenantGuard(subjects, **clock))
    exchange = make_exchange(type="websocket" if socket else "http", principal=ADA)
    await guards[1].on_request(exchange)
    exchange.status = 200
    exchange.response_headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    if not socket:
        guards[0].on_response(exchange)
    assert await exchange.still()
    now[0] += 20
    for name, value in change.items():
        setattr(subjects, name, value)
    assert await exchange.still() is (refusal is None)
    assert type(exchange.refusal) is (refusal or type(None))


@CHANGES
async def test_who_belongs_there_no_more_does_not_hand_in_the_end_of_a_body(change, refusal):
    """The role is taken away between the head of the request and its last byte."""
    subjects, now = Subjects("acme"), [1.0]
    guard = TenantGuard(subjects, steady=lambda: now[0])
    exchange = make_exchange(method="POST", principal=ADA)
    message = {"type": "http.request", "body": b"x", "more_body": False}

    async def receive():
        now[0] += 20
        for name, value in change.items():
            setattr(subjects, name, value)
        return message

    exchange.receive = receive
    await guard.on_request(exchange)
    if refusal is None:
        assert await exchange.receive() == message
        return
    with pytest.raises(refusal):
        await exchange.receive()
    assert isinstance(exchange.refusal, refusal)
