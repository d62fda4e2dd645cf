"""Attack: DNS rebinding. A name has a public address while it is checked, and one of the inside
when it is connected to (ASVS 1.3.6). The name servers here change their mind with each question, or
with time; what counts is which server was ever connected to."""

from __future__ import annotations

import socket

import pytest

from tests.outbound.servers import Names, inside, reply, running
from zenith.outbound import AddressRefusedError, OutboundClient
from zenith.outbound import transport as transport_module

OPEN, SHUT = "127.0.0.1", "127.0.0.2"
"""Two machines: the settings expose the first, as if it were public."""


@pytest.fixture
async def machines():
    async with (
        running(reply(b"public")) as there,
        running(reply(b"inside"), host=SHUT, port=there.port) as secret,
    ):
        yield there, secret


async def test_the_second_answer_is_not_asked_for(machines):
    there, secret = machines
    names = Names(evil_example_com=[[OPEN], [SHUT]])
    async with OutboundClient(inside(there.port), resolver=names) as client:
        answer = await client.get(f"http://evil.example.com:{there.port}/")
    assert answer.content == b"public"
    assert names.asked["evil.example.com"] == 1
    assert secret.connections == 0


async def test_each_connection_is_judged_anew(machines, monkeypatch):
    monkeypatch.setattr(transport_module, "KEPT_OPEN", 0)
    there, secret = machines
    names = Names(evil_example_com=[[OPEN], [SHUT]])
    async with OutboundClient(inside(there.port), resolver=names) as client:
        url = f"http://evil.example.com:{there.port}/"
        await client.get(url)
        with pytest.raises(AddressRefusedError):
            await client.get(url)
    assert (there.connections, secret.connections) == (1, 0)


async def test_an_answer_that_changes_with_time(machines, monkeypatch):
    monkeypatch.setattr(transport_module, "KEPT_OPEN", 0)
    there, secret = machines
    now = 0.0

    async def names(host):
        nonlocal now
        answer = OPEN if now < 1 else SHUT
        now += 1  # its time to live is over as soon as it is given
        return [answer]

    async with OutboundClient(inside(there.port), resolver=names, clock=lambda: now) as client:
        url = f"http://evil.example.com:{there.port}/"
        assert (await client.get(url)).content == b"public"
        for _ in range(3):
            with pytest.raises(AddressRefusedError):
                await client.get(url)
    assert secret.connections == 0


@pytest.mark.parametrize("answers", [[OPEN, SHUT], [SHUT, OPEN]])
async def test_two_answers_at_once(machines, answers):
    """Whichever is tried first, or second because the first does not answer."""
    there, secret = machines
    names = Names(evil_example_com=[answers])
    async with OutboundClient(inside(there.port), resolver=names) as client:
        with pytest.raises(AddressRefusedError):
            await client.get(f"http://evil.example.com:{there.port}/")
    assert (there.connections, secret.connections) == (0, 0)


async def test_a_redirect_to_oneself_looks_up_and_judges_anew(machines, monkeypatch):
    monkeypatch.setattr(transport_module, "KEPT_OPEN", 0)
    there, secret = machines
    there.answer = reply(status="302 Found", Location="/again", Connection="close")
    names = Names(evil_example_com=[[OPEN], [SHUT]])
    settings = inside(there.port, max_redirects=3)
    async with OutboundClient(settings, resolver=names) as client:
        with pytest.raises(AddressRefusedError):
            await client.get(f"http://evil.example.com:{there.port}/")
    assert secret.connections == 0


async def test_nobody_looks_the_name_up_a_second_time_behind_the_check(machines, monkeypatch):
    """The library below would ask the system, if it were given the name."""
    there, _ = machines
    real = socket.getaddrinfo

    def numbers_only(host, *rest, **more):
        assert host in {OPEN, OPEN.encode(), None}, host
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)
    names = Names(evil_example_com=[[OPEN]])
    async with OutboundClient(inside(there.port), resolver=names) as client:
        answer = await client.get(f"http://evil.example.com:{there.port}/")
    assert answer.content == b"public"
