"""Settings: safe without arguments, checked with them."""

from __future__ import annotations

import pytest

from zenith.headers import ContentSecurityPolicy, HeadersSettings
from zenith.kernel.errors import ConfigurationError


def test_defaults_hold_no_danger():
    assert HeadersSettings().dangers == ()


def test_dangers_are_listed_with_those_of_the_policy():
    settings = HeadersSettings(
        policy=ContentSecurityPolicy(allow_eval=True),
        referrer_policy="unsafe-url",
        allow_referrer_leaks=True,
    )
    assert settings.dangers == ("allow_referrer_leaks", "allow_eval")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"referrer_policy": "never"}, "choose one of"),
        ({"referrer_policy": "unsafe-url"}, "allow_referrer_leaks"),
        ({"opener_policy": "open"}, "choose one of"),
        ({"resource_policy": None}, "choose one of"),
        ({"embedder_policy": "all"}, "choose one of"),
        ({"hsts_max_age": -1}, "seconds"),
        ({"hsts_max_age": True}, "seconds"),
        ({"hsts_max_age": 300}, "allow_short_hsts"),
        ({"hsts_include_subdomains": False}, "allow_short_hsts"),
        (
            {"hsts_preload": True, "hsts_include_subdomains": False, "allow_short_hsts": True},
            "hsts_preload",
        ),
        ({"report_path": "https://elsewhere.example.com/"}, "report_path"),
        ({"report_path": "//elsewhere.example.com/"}, "report_path"),
        ({"removed": ("ser ver",)}, "no header name"),
        ({"extra": {"x y": "1"}}, "no header name"),
        ({"extra": {"Set-Cookie": "a=b"}}, "no place in extra"),
        ({"extra": {"X-Frame-Options": "ALLOWALL"}}, "no place in extra"),
        ({"extra": {"X-Team": ""}}, "characters"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        HeadersSettings(**changes)


def test_short_hsts_by_name():
    assert HeadersSettings(hsts_max_age=0, allow_short_hsts=True).hsts_max_age == 0


def test_extra_is_copied():
    extra = {"X-Team": "blue"}
    settings = HeadersSettings(extra=extra)
    extra["X-Team"] = "red"
    assert settings.extra["X-Team"] == "blue"
