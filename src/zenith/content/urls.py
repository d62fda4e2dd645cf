"""Addresses that others wrote, and that people are to click."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Any, ClassVar, Final, NamedTuple, Self
from urllib.parse import quote

import idna
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from zenith.content.characters import HIDDEN
from zenith.content.errors import UnsafeUrlError
from zenith.content.fields import text_schema
from zenith.content.settings import SCHEMES
from zenith.kernel.errors import ConfigurationError

MAX_URL: Final = 2048
MAX_HOST: Final = 253
MAX_PORT: Final = 65_535
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
USUAL: Final = frozenset({"http", "https", "mailto"})
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_STRANGE: Final = re.compile(r"[\s\\<>\"^`{|}]")
_AUTHORITY: Final = re.compile(r"//([^/?#]+)(.*)")
_HOST_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TEL: Final = re.compile(r"\+?[0-9().-]{2,40}")
_MAILBOX: Final = re.compile(
    r"([A-Za-z0-9!#$&'*+/=_~-]+(?:\.[A-Za-z0-9!#$&'*+/=_~-]+)*)@([^@?&]+)"
    r"(\?(?:(?:subject|body)=[^&?=]*)(?:&(?:subject|body)=[^&?=]*)*)?"
)
_KEPT: Final = "%:/?#[]@!$&'()*+,;=~-._"


class Location(NamedTuple):
    """Where an address of http or https leads."""

    scheme: str
    host: str
    port: str
    """Empty for the scheme's own."""
    rest: str
    """Path, query and fragment."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.host}{':' if self.port else ''}{self.port}"


class SafeUrl(str):
    """An address of http, https or mailto that leads where it seems to: `SafeUrl(text)` checks and
    normalizes, and so does a Pydantic field of this type. Raises UnsafeUrlError as `safe_url` does.

    Others by subclass: `class Website(SafeUrl, schemes=("https",))`.
    """

    __slots__ = ()
    schemes: ClassVar[Collection[str]] = USUAL

    def __init_subclass__(cls, *, schemes: Collection[str] | None = None, **extra: Any) -> None:
        super().__init_subclass__(**extra)
        if schemes is not None:
            _check(schemes)
            cls.schemes = frozenset(schemes)

    def __new__(cls, url: str) -> Self:
        return str.__new__(cls, normalize(url, cls.schemes))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return text_schema(cls, max_length=MAX_URL)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "format": "uri"}


def safe_url(url: str, *, schemes: Collection[str] = USUAL) -> str:
    """`url` in ASCII, as browsers understand it.

    Threat: addresses that run scripts, that show one host and lead to another by credentials,
    backslashes, control characters or letters of other scripts, or that parsers read differently
    (ASVS 1.2.2, 1.5.3, RFC 3986). Hosts of other scripts are shown as what is asked for, `xn--...`;
    numbers are IPv4 addresses in their usual form only. `schemes` are among http, https, mailto and
    tel. An address without a scheme is refused, and so is white space around it. Where the host
    leads, to a private network for example, is not looked at: see `zenith.outbound`.

    Raises UnsafeUrlError.
    """
    _check(schemes)
    return normalize(url, schemes)


def _check(schemes: Collection[str]) -> None:
    strange = sorted(set(schemes) - SCHEMES)
    if strange:
        raise ConfigurationError(
            f"content: `{strange[0]}` is no scheme that is safe to click",
            fix=f"choose among {', '.join(sorted(SCHEMES))}",
        )


def normalize(url: str, schemes: Collection[str]) -> str:
    """The same for schemes that are known to be safe."""
    _check_length(url)
    written = _normalized(url, schemes)
    _check_length(written)  # escapes are longer than what they stand for
    return written


def _check_length(url: str) -> None:
    if len(url) > MAX_URL:
        raise UnsafeUrlError(f"Address of at most {MAX_URL} characters", fault="url_too_long")


def _normalized(url: str, schemes: Collection[str]) -> str:
    if HIDDEN.search(url) or _STRANGE.search(url):
        raise UnsafeUrlError("Address with characters that have no place there", fault="url_text")
    found = _SCHEME.match(url)
    if found is None:
        raise UnsafeUrlError("Address without a scheme such as https:", fault="url_scheme")
    scheme = found[1].lower()
    if scheme not in schemes:
        raise UnsafeUrlError(
            f"Address of a scheme other than {_listed(schemes)}", fault="url_scheme"
        )
    rest = url[found.end() :]
    if scheme == "mailto":
        return f"mailto:{_mailbox(rest)}"
    if scheme == "tel":
        if not _TEL.fullmatch(rest):
            raise UnsafeUrlError("No telephone number", fault="url_telephone")
        return f"tel:{rest}"
    place = locate(scheme, rest)
    return place.origin + place.rest


def _listed(schemes: Collection[str]) -> str:
    return ", ".join(sorted(schemes))


def locate(scheme: str, rest: str) -> Location:
    """Takes apart what follows `http:` or `https:`. Raises UnsafeUrlError."""
    found = _AUTHORITY.fullmatch(rest)
    if found is None:
        raise UnsafeUrlError("Address without a host", fault="url_host")
    authority, path = found.groups()
    if "@" in authority:
        raise UnsafeUrlError("Address with a name or password in it", fault="url_credentials")
    parts = _HOST_PORT.fullmatch(authority)
    if parts is None or not 0 < int(parts[2] or 1) <= MAX_PORT:
        raise UnsafeUrlError("Address whose host is none", fault="url_host")
    port = str(int(parts[2])) if parts[2] else ""
    if port == DEFAULT_PORTS[scheme]:
        port = ""
    if not path.startswith("/"):
        path = "/" + path
    return Location(scheme, host_in_ascii(parts[1]), port, quote(path, safe=_KEPT))


def host_in_ascii(host: str) -> str:
    """A host in lower case, names of other scripts as `xn--...`. Raises UnsafeUrlError."""
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        if not host.isascii():
            if len(host) > MAX_HOST:
                raise _no_host()
            host = idna.encode(host, uts46=True).decode("ascii")
        host = host.lower().removesuffix(".")
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return str(ipaddress.IPv4Address(host))
        for label in labels:
            if label.startswith("xn--"):
                idna.decode(label)
    except (ipaddress.AddressValueError, idna.IDNAError, UnicodeError):
        raise _no_host() from None
    if len(host) > MAX_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise _no_host()
    return host


def _no_host() -> UnsafeUrlError:
    return UnsafeUrlError("Address whose host is none", fault="url_host")


def _mailbox(rest: str) -> str:
    """One address, and perhaps a subject and a text. Raises UnsafeUrlError."""
    found = _MAILBOX.fullmatch(rest)
    # Line ends would become headers of the mail in programs that decode early.
    if found is None or re.search("%0[ad]|%00", found[3] or "", re.IGNORECASE):
        raise UnsafeUrlError("No e-mail address", fault="url_mail")
    host = host_in_ascii(found[2])
    return f"{found[1]}@{host}{quote(found[3] or '', safe=_KEPT)}"
