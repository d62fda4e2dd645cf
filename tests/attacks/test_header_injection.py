"""Attack: text with a line break in a configured value becomes a header, or a whole response, of
the attacker's; or a handler's own header loosens what the application declared."""

from __future__ import annotations

import pytest

from zenith.headers import HeadersSettings, SecurityHeaders
from zenith.kernel.errors import ConfigurationError

BREAKS = ["\r\nSet-Cookie: a=b", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "é", "\x7f", " "]


@pytest.mark.parametrize("tail", BREAKS)
def test_value_cannot_end_its_header(tail):
    with pytest.raises(ConfigurationError, match="characters"):
        HeadersSettings(extra={"X-Team": "blue" + tail})


@pytest.mark.parametrize("tail", [*BREAKS, ":", "\t"])
def test_name_cannot_end_its_header(tail):
    with pytest.raises(ConfigurationError, match="no header name"):
        HeadersSettings(extra={"X-Team" + tail: "blue"})
    with pytest.raises(ConfigurationError, match="no header name"):
        HeadersSettings(removed=("server" + tail,))


@pytest.mark.parametrize("tail", [*BREAKS, '"', ";", ",", "?x"])
def test_report_path_cannot_leave_its_quotes(tail):
    with pytest.raises(ConfigurationError, match="report_path"):
        HeadersSettings(report_path="/reports" + tail)


@pytest.mark.parametrize("tail", BREAKS)
@pytest.mark.parametrize(
    "name", ["referrer_policy", "opener_policy", "resource_policy", "embedder_policy"]
)
def test_choices_are_exact(name, tail):
    with pytest.raises(ConfigurationError, match="choose one of"):
        HeadersSettings(**{name: "same-origin" + tail})


@pytest.mark.parametrize("tail", BREAKS)
def test_permissions_cannot_leave_their_list(tail):
    with pytest.raises(ConfigurationError, match="may not be granted"):
        HeadersSettings(permissions={"camera": ("https://a.example.com" + tail,)})


@pytest.mark.parametrize("spelling", [b"X-Frame-Options", b"x-frame-options", b"X-FRAME-OPTIONS"])
def test_handler_cannot_loosen_in_any_spelling(spelling):
    raw = [(spelling, b"ALLOWALL"), (spelling, b"SAMEORIGIN")]
    SecurityHeaders().apply(raw, secure=True)
    found = [value for name, value in raw if name.lower() == b"x-frame-options"]
    assert found == [b"DENY"]
