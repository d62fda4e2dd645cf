from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.transport import DEVELOPMENT_HOSTS, TransportSettings


def test_the_defaults_are_the_safe_ones():
    settings = TransportSettings()
    assert settings.allowed_hosts == DEVELOPMENT_HOSTS
    assert (settings.trusted_proxies, settings.trust_forwarded_host) == ((), False)
    assert (settings.max_body_size, settings.max_header_size) == (1_048_576, 8192)
    assert settings.request_timeout == 30
    assert settings.dangers == ()


def test_loosened_settings_are_reported():
    settings = TransportSettings(
        allow_any_host=True, allow_encoded_slashes=True, allow_empty_path_segments=True
    )
    assert settings.dangers == (
        "allow_any_host",
        "allow_encoded_slashes",
        "allow_empty_path_segments",
    )


@pytest.mark.parametrize(
    "host",
    ["example.com", "*.example.com", "example.com:8443", "10.0.0.1", "[::1]", "[::1]:80", "a_b.c"],
)
def test_hosts(host):
    assert TransportSettings(allowed_hosts=(host,)).allowed_hosts == (host,)


@pytest.mark.parametrize(
    "host",
    ["", "*", "Example.com", "https://example.com", "example.com/", "a.*.com", "::1", "a b", "a\n"],
)
def test_what_is_no_host_refuses_the_start(host):
    with pytest.raises(ConfigurationError, match="allowed_hosts"):
        TransportSettings(allowed_hosts=(host,))


def test_no_host_at_all_refuses_the_start_unless_any_is_allowed():
    with pytest.raises(ConfigurationError, match="empty"):
        TransportSettings(allowed_hosts=())
    assert TransportSettings(allowed_hosts=(), allow_any_host=True).allow_any_host


def test_networks_are_checked():
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        TransportSettings(trusted_proxies=("10.0.0.1/8",))
    with pytest.raises(ConfigurationError, match="proxy_headers"):
        TransportSettings(proxy_headers="x-real-ip")


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "get", "G", "", "GET POST"])
def test_methods_that_are_never_served(method):
    with pytest.raises(ConfigurationError, match="methods"):
        TransportSettings(methods=("GET", method))


@pytest.mark.parametrize(
    "name",
    [
        "max_body_size",
        "max_url_size",
        "max_header_size",
        "max_headers_size",
        "max_headers",
        "max_json_depth",
        "request_timeout",
    ],
)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_above_zero(name, value):
    with pytest.raises(ConfigurationError, match=name):
        TransportSettings(**{name: value})
