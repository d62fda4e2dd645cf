"""Short names for devices, so that owners recognise their sessions."""

from __future__ import annotations

from typing import Final

MAX_LENGTH: Final = 512
UNKNOWN: Final = "Unknown device"

# The first that is found counts: most browsers also claim to be those further down.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("python-", "Python"),
    ("Python/", "Python"),
    ("okhttp/", "Android app"),
    ("CFNetwork/", "Apple app"),
    ("Go-http-client/", "Go"),
    ("PostmanRuntime/", "Postman"),
    ("node", "Node.js"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Darwin/", "macOS"),
    ("Linux", "Linux"),
)


def describe_device(user_agent: str) -> str:
    """A name such as `Firefox on Linux`, from a fixed list of words.

    Any input is safe: nothing of it reaches the answer. It is a hint for people; the sender can
    claim to be whatever it likes, so no decision may rest on it.
    """
    text = user_agent[:MAX_LENGTH]
    browser = next((name for sign, name in _BROWSERS if sign in text), "")
    system = next((name for sign, name in _SYSTEMS if sign in text), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or UNKNOWN
