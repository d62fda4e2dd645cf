from __future__ import annotations

import socket

import pytest

from zenith.outbound import SystemResolver


@pytest.fixture
def resolver():
    resolver = SystemResolver()
    yield resolver
    resolver.close()


async def test_what_the_system_says(resolver):
    assert "127.0.0.1" in await resolver("localhost")


async def test_each_address_once(resolver, monkeypatch):
    def answer(host, port, **hints):
        assert hints == {"type": socket.SOCK_STREAM}
        return [
            (2, 1, 6, "", ("192.0.2.1", 0)),
            (2, 2, 17, "", ("192.0.2.1", 0)),
            (10, 1, 6, "", ("2001:db8::1", 0, 0, 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await resolver("example.com") == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize("error", [socket.gaierror("no"), UnicodeError("no")])
async def test_names_that_are_none(resolver, monkeypatch, error):
    def answer(host, port, **hints):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await resolver("a.example.com") == ()


async def test_it_may_be_used_after_it_was_closed(resolver):
    resolver.close()
    await resolver("localhost")
    await resolver("localhost")
    resolver.close()
    resolver.close()
    assert await resolver("localhost")
