from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.outbound import OutboundSettings


def test_defaults_are_the_safe_ones():
    settings = OutboundSettings()
    assert settings.ports == (443, 80)
    assert not settings.allow_unencrypted
    assert not settings.exposed_internal_networks
    assert settings.max_redirects == 0


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"allowed_hosts": ("https://example.com",)}, "allowed_hosts"),
        ({"ports": ()}, "ports"),
        ({"ports": (0,)}, "ports"),
        ({"ports": (65_536,)}, "ports"),
        ({"exposed_internal_networks": ("10.0.0.1/8",)}, "exposed_internal_networks"),
        ({"exposed_internal_networks": ("0.0.0.0/0",)}, "exposed_internal_networks"),
        ({"exposed_internal_networks": ("::/0",)}, "exposed_internal_networks"),
        ({"nat64_prefixes": ("10.0.0.0/8",)}, "nat64_prefixes"),
        ({"nat64_prefixes": ("2a00::/33",)}, "nat64_prefixes"),
        ({"max_redirects": -1}, "max_redirects"),
        ({"max_redirects": 11}, "max_redirects"),
        ({"max_answer_bytes": 0}, "max_answer_bytes"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"connect_timeout": 0.0}, "connect_timeout"),
        ({"read_timeout": float("nan")}, "read_timeout"),
        ({"total_timeout": float("inf")}, "total_timeout"),
        ({"user_agent": "a\r\nb"}, "user_agent"),
        ({"user_agent": "zénith"}, "user_agent"),
    ],
)
def test_unsafe_settings_are_refused_by_name(given, names):
    with pytest.raises(ConfigurationError, match=rf"outbound\.{names}") as caught:
        OutboundSettings(**given)
    assert caught.value.fix


def test_prefixes_of_nat64():
    assert OutboundSettings(nat64_prefixes=("2a00:64::/96", "fd00:64::/48")).nat64_prefixes
