"""Cookies on their way out: none leaves without the flags that keep it safe."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from zenith.headers.settings import HeadersSettings
from zenith.kernel.problem import RawHeaders

MAX_SIZE: Final = 4096
"""Bytes of name and value together; browsers drop what is larger (RFC 6265bis section 5.6)."""
MAX_NAMED: Final = 256
MAX_NAME: Final = 100
BLANK: Final = " \t"
"""What browsers strip; spaces that only Unicode knows are part of a name to them."""
HOST, SECURE = "__host-", "__secure-"
FLAGS: Final = ("Secure", "HttpOnly", "SameSite")
FIXED: Final = {"Secure": "; Secure", "HttpOnly": "; HttpOnly", "SameSite": "; SameSite=Lax"}
_log: Final = logging.getLogger("zenith.headers")


class CookieRules:
    """Threat: a session cookie that scripts read, that travels in the clear, that pages of other
    sites send along, or that a sister host can plant, set by code that nobody thought of: a
    library's, a framework's own (ASVS 3.3.1 to 3.3.5).

    Only responses that set cookies are looked at. What is found is added, left out of the response
    or merely told of, as the settings say; the log names each cookie once. A cookie that is being
    removed is mended quietly, so that browsers do remove it.
    """

    def __init__(self, settings: HeadersSettings) -> None:
        self._mode: Final = settings.cookies
        self._exceptions: Final = {
            name: frozenset(excepted) for name, excepted in settings.cookie_exceptions.items()
        }
        self._told: Final[set[tuple[str, str]]] = set()
        # Names and attributes that were looked at: most cookies differ by their value alone.
        self._fine: Final[set[tuple[bytes, bytes, bool]]] = set()

    def check(self, headers: RawHeaders, *, secure: bool) -> None:
        """Make the cookies of a response safe, in place. Over plain http, which is development,
        nothing asks for `Secure`: browsers would drop the cookie.
        """
        for index in range(len(headers) - 1, -1, -1):
            name, value = headers[index]
            if name.lower() != b"set-cookie":
                continue
            pair, _, tail = value.partition(b";")
            known = (pair.partition(b"=")[0], tail, secure)
            if known in self._fine and len(value) <= MAX_SIZE:
                continue
            text = value.decode("latin-1")
            checked = self._checked(text, secure=secure)
            if checked is None:
                del headers[index]
            elif checked != text:
                headers[index] = (name, checked.encode("latin-1"))
            else:
                self._remember(known)

    def _remember(self, known: tuple[bytes, bytes, bool]) -> None:
        if len(self._fine) >= MAX_NAMED:
            self._fine.clear()
        self._fine.add(known)

    def _checked(self, text: str, *, secure: bool) -> str | None:
        pair, _, tail = text.partition(";")
        name = pair.partition("=")[0].strip(BLANK)
        attributes = _attributes(tail)
        faults = self._faults(name, pair, attributes, secure=secure)
        if not faults:
            return text
        if attributes.get("max-age") == "0" and self._mode != "report":
            # Without its Domain another cookie would be meant.
            return _mended(pair, attributes, [each for each in faults if each != "Domain"])
        self._tell(name, faults)
        if self._mode == "report":
            return text
        if self._mode == "refuse":
            return None
        return _mended(pair, attributes, faults)

    def _faults(
        self, name: str, pair: str, attributes: dict[str, str], *, secure: bool
    ) -> list[str]:
        excepted = self._exceptions.get(name, frozenset())
        found = list(_missing(name, attributes, secure=secure))
        if len(pair.strip().encode("latin-1")) > MAX_SIZE + 1:
            found.append("Size")
        return [fault for fault in found if fault not in excepted]

    def _tell(self, name: str, faults: list[str]) -> None:
        what = ", ".join(faults)
        if (name, what) in self._told or len(self._told) >= MAX_NAMED:
            return
        self._told.add((name, what))
        shown = "".join(each if each.isprintable() else "?" for each in name[:MAX_NAME])
        _log.warning(
            "cookie %s: %s; headers.cookies is `%s`: set its attributes where it is made, or name "
            "it in headers.cookie_exceptions",
            shown,
            what,
            self._mode,
        )


def _attributes(tail: str) -> dict[str, str]:
    """By name in lower case; of a repeated one the last counts, as in browsers."""
    found: dict[str, str] = {}
    for part in tail.split(";"):
        name, _, value = part.strip(BLANK).partition("=")
        if name:
            found[name.strip(BLANK).lower()] = value.strip(BLANK)
    return found


def _missing(name: str, attributes: dict[str, str], *, secure: bool) -> Iterator[str]:
    lowered, same_site = name.lower(), attributes.get("samesite", "").lower()
    prefixed = lowered.startswith((HOST, SECURE))
    if "secure" not in attributes and (secure or prefixed):
        yield "Secure"
    if "httponly" not in attributes:
        yield "HttpOnly"
    if same_site not in ("lax", "strict", "none"):
        yield "SameSite"
    if "domain" in attributes:
        yield "Domain"
    if lowered.startswith(HOST) and attributes.get("path") != "/":
        yield "Path"


def _mended(pair: str, attributes: dict[str, str], faults: list[str]) -> str:
    """The cookie with what can be added; where it was to be sent to other hosts, it is not."""
    kept = dict(attributes)
    if "Domain" in faults:
        del kept["domain"]
    if "Path" in faults:
        kept["path"] = "/"
    if "SameSite" in faults:
        kept.pop("samesite", None)
    tail = "".join(f"; {name}={value}" if value else f"; {name}" for name, value in kept.items())
    return pair + tail + "".join(FIXED[flag] for flag in FLAGS if flag in faults)
