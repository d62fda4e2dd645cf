from __future__ import annotations

import pytest

from zenith.kernel.errors import BadRequestError, MisdirectedRequestError
from zenith.transport.hosts import MAX_REMEMBERED, HostList

HOSTS = HostList(("example.com", "*.example.org", "admin.example.com:8443", "[::1]", "127.0.0.1"))


@pytest.mark.parametrize(
    ("header", "host"),
    [
        (b"example.com", "example.com"),
        (b"EXAMPLE.com:8000", "example.com:8000"),
        (b"a.example.org", "a.example.org"),
        (b"a.b.example.org:1", "a.b.example.org:1"),
        (b"admin.example.com:8443", "admin.example.com:8443"),
        (b"[::1]", "[::1]"),
        (b"[::1]:8000", "[::1]:8000"),
        (b"127.0.0.1:65535", "127.0.0.1:65535"),
    ],
)
def test_our_hosts(header, host):
    assert HOSTS.accept(header) == host
    assert HOSTS.accept(header) == host


@pytest.mark.parametrize(
    "header",
    [
        b"evil.example",
        b"example.org",
        b"example.com.evil.example",
        b"notexample.com",
        b"evil-example.org",
        b"admin.example.com",
        b"admin.example.com:8444",
        b"[::2]",
        b"127.0.0.2",
        b"2130706433",
        b"a..example.org",
    ],
)
def test_foreign_hosts(header):
    with pytest.raises(MisdirectedRequestError):
        HOSTS.accept(header)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b" example.com",
        b"example.com ",
        b"example.com:",
        b"example.com:65536",
        b"example.com:80:80",
        b"example.com:+80",
        b"example.com/",
        b"example.com@evil.example",
        b"evil.example\\.example.com",
        b"example.com, evil.example",
        b"example.com\x00",
        b"ex\xc3\xa4mple.com",
        b"example.com.",
        b".example.org",
        b"-example.com",
        b"::1",
        b"[::1",
        b"[::1%25eth0]",
        b"[::1]example.com",
        b"a" * 300,
    ],
)
def test_what_is_no_host(header):
    with pytest.raises(BadRequestError):
        HOSTS.accept(header)


def test_any_host_is_still_a_host():
    anybody = HostList((), allow_any=True)
    assert anybody.accept(b"whatever.example") == "whatever.example"
    with pytest.raises(BadRequestError):
        anybody.accept(b"what ever")


def test_memory_is_bounded():
    hosts = HostList(("*.example.org",))
    for number in range(3 * MAX_REMEMBERED):
        hosts.accept(f"h{number}.example.org".encode())
    assert len(hosts._remembered) <= MAX_REMEMBERED
