"""Permissions-Policy: denied by default, granted by name, always well-formed."""

from __future__ import annotations

import pytest

from zenith.headers.permissions_policy import DENIED_FEATURES, merge_features, render_features
from zenith.kernel.errors import ConfigurationError

GUIDE = (
    "accelerometer",
    "camera",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "payment",
    "usb",
)


def test_default_denies_all_that_the_guide_denies():
    text = render_features(merge_features({}))
    for feature in GUIDE:
        assert f"{feature}=()" in text.split(", ")


def test_grants_are_merged_into_the_default():
    merged = merge_features(
        {"camera": ("self", "https://meet.example.com"), "fullscreen": ("*",), "autoplay": ()}
    )
    parts = render_features(merged).split(", ")
    assert 'camera=(self "https://meet.example.com")' in parts
    assert "fullscreen=*" in parts
    assert "autoplay=()" in parts
    assert "usb=()" in parts
    assert len(parts) == len(DENIED_FEATURES) + 2


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"Camera": ()}, "no feature"),
        ({"camera=*, x": ()}, "no feature"),
        ({"camera": "self"}, "is text"),
        ({"camera": ("*",)}, "everyone"),
        ({"fullscreen": ("*", "self")}, "everyone"),
        ({"camera": ('https://a.example.com", *',)}, "may not be granted"),
        ({"camera": ("http://example.com",)}, "may not be granted"),
        ({"camera": ("https://example.com/path",)}, "may not be granted"),
    ],
)
def test_refused(features, message):
    with pytest.raises(ConfigurationError, match=message):
        merge_features(features)
