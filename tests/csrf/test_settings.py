from __future__ import annotations

import pytest

from zenith.csrf import CsrfSettings
from zenith.kernel.errors import ConfigurationError


def test_the_defaults_are_the_safe_ones():
    settings = CsrfSettings()
    assert settings.cookie == "__Host-zenith-csrf"
    assert settings.origins == settings.trusted_origins == ()
    assert not settings.always


def test_without_secure_cookies_the_prefix_would_be_refused_by_browsers():
    assert CsrfSettings(secure_cookies=False).cookie == "zenith-csrf"


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "http://localhost:8000",
        "https://[::1]:8443",
        "https://under_score.example",
    ],
)
def test_origins_as_browsers_write_them(origin):
    assert CsrfSettings(origins=(origin,), trusted_origins=(origin,)).origins == (origin,)


@pytest.mark.parametrize("field", ["origins", "trusted_origins"])
@pytest.mark.parametrize(
    "origin",
    [
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://*.example.com",
        "ftp://example.com",
        "null",
        "*",
        "",
        "https://example.com\n",
        "https://user@example.com",
    ],
)
def test_what_is_no_origin_refuses_the_start(field, origin):
    with pytest.raises(ConfigurationError, match=field):
        CsrfSettings(**{field: (origin,)})


@pytest.mark.parametrize("field", ["header_name", "field_name", "cookie_name"])
@pytest.mark.parametrize("name", ["", "a b", "a;b", "x" * 65, "naïve", "a\n"])
def test_what_is_no_name_refuses_the_start(field, name):
    with pytest.raises(ConfigurationError, match=field):
        CsrfSettings(**{field: name})


@pytest.mark.parametrize("size", [0, -1, 67_108_865])
def test_a_form_has_some_size_and_not_any(size):
    with pytest.raises(ConfigurationError, match="max_form_size"):
        CsrfSettings(max_form_size=size)
