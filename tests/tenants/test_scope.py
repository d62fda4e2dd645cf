"""Whose data is meant."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.kernel.errors import AuthenticationError, BadRequestError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline.exchange import current_exchange
from zenith.tenants import TenantRequiredError, across_tenants, current_tenant, tenant_scope
from zenith.tenants.scope import check_tenant, is_across, tenant_or_none


def test_nobody_has_said():
    assert tenant_or_none() is None
    with pytest.raises(TenantRequiredError):
        current_tenant()


def test_blocks_nest():
    with tenant_scope("acme") as name:
        assert name == current_tenant() == "acme"
        with across_tenants("report"):
            assert is_across()
            with pytest.raises(TenantRequiredError):
                current_tenant()
            with tenant_scope("bolt"):
                assert not is_across()
                assert current_tenant() == "bolt"
        assert current_tenant() == "acme"
    assert tenant_or_none() is None


@pytest.mark.parametrize("text", ["", "*", "a b", "a\n", "\x00", "x" * 129, "\u202e"])
def test_what_is_no_tenant(text):
    with pytest.raises(BadRequestError):
        check_tenant(text)


async def test_tasks_have_their_own():
    async def name(tenant):
        with tenant_scope(tenant):
            await asyncio.sleep(0)
            return current_tenant()

    assert await asyncio.gather(*map(name, "abc")) == ["a", "b", "c"]


def test_the_callers_is_meant_where_no_block_says_otherwise():
    exchange = make_exchange()
    exchange.principal = Principal(subject="ada", tenant="acme")
    token = current_exchange.set(exchange)
    try:
        assert current_tenant() == "acme"
        with tenant_scope("bolt"):
            assert current_tenant() == "bolt"
        exchange.principal = Principal(subject="ada")
        with pytest.raises(TenantRequiredError):
            current_tenant()
        exchange.principal = ANONYMOUS
        with pytest.raises(AuthenticationError):
            current_tenant()
        with across_tenants("report"), pytest.raises(TenantRequiredError):
            current_tenant()
    finally:
        current_exchange.reset(token)
