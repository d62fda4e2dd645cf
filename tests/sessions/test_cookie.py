from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from tests.sessions.fakes import World
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import new_token
from zenith.sessions import SessionSettings, clear_cookie, renewed_cookie, session_cookie

PLAIN = SessionSettings(secure_cookies=False, same_site="Strict", absolute_lifetime=86_400.0)


def test_cookie_has_every_protection() -> None:
    value = new_token()
    assert session_cookie(value, SessionSettings()) == (
        f"__Host-zenith-session={value}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
    )


def test_development_cookie_travels_over_http() -> None:
    value = new_token()
    assert session_cookie(value, PLAIN) == (
        f"zenith-session={value}; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"
    )


async def test_a_remembered_device_keeps_its_cookie_longer() -> None:
    world = World()
    record, value = await world.sessions.start("ada", kind="browser", remember=True)
    header = renewed_cookie((record, value), SessionSettings())
    assert header is not None
    assert "Max-Age=2592000;" in header
    record, value = await world.sign_in()
    assert renewed_cookie((record, value), PLAIN) == session_cookie(value or "", PLAIN)


async def test_without_a_new_cookie_there_is_no_header() -> None:
    record, _ = await World().sessions.start("ada", kind="tokens")
    assert renewed_cookie((record, None), PLAIN) is None
    assert renewed_cookie(None, PLAIN) is None


@pytest.mark.parametrize("settings", [SessionSettings(), PLAIN])
def test_clearing_names_the_same_cookie(settings: SessionSettings) -> None:
    header = clear_cookie(settings)
    cookie = SimpleCookie(header)[settings.cookie]
    assert cookie.value == ""
    assert cookie["max-age"] == "0"
    assert cookie["path"] == "/"
    assert bool(cookie["secure"]) is settings.secure_cookies


@pytest.mark.parametrize("value", ["", "short", "a" * 44, "a" * 42 + ";", "a" * 42 + "\n"])
def test_only_own_values_are_sent(value: str) -> None:
    with pytest.raises(ConfigurationError):
        session_cookie(value, SessionSettings())
