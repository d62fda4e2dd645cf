from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenith.sessions import describe_device

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox on Linux",
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/26.0 Safari/605.1.15"
            ),
            "Safari on macOS",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome on Windows"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; K) {CHROME} Mobile Safari/537.36 EdgA/140.0",
            "Edge on Android",
        ),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36 OPR/125.0", "Opera on Linux"),
        (f"Mozilla/5.0 (Linux; Android 15; K) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome on ChromeOS"),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1"
            ),
            "Chrome on iPhone",
        ),
        (
            f"Mozilla/5.0 (X11; Linux) {CHROME.replace('Chrome', 'HeadlessChrome')}",
            "Headless Chrome on Linux",
        ),
        ("curl/8.9.1", "curl"),
        ("python-httpx/0.28.1", "Python"),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
    ],
)
def test_names(user_agent: str, name: str) -> None:
    assert describe_device(user_agent) == name


def test_what_is_beyond_the_limit_is_not_read() -> None:
    assert describe_device("x" * 512 + "Firefox/1 Linux") == "Unknown device"


@given(st.text())
def test_nothing_of_the_input_reaches_the_name(text: str) -> None:
    hostile = f'"><img src=x onerror=alert(1)>{text}\r\nSet-Cookie: a=b Firefox/1 (Linux)'
    assert set(describe_device(hostile)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ. "
    )
